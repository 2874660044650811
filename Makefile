# Two commands do all their own set-up: `make demo` and `make test`. `make help` lists the rest.
# Needs make and Python 3.11 or newer; PYTHON=/path/to/python chooses one.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test lint bench clean

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-by-make

MOTIONS ?=
OUT ?= demo
SAMPLES ?= 200
STEPS ?= 200
JOBS ?= 2
PYTEST_ARGS ?=

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 10
	@echo 'Variables: PYTHON, MOTIONS (folder or zip), OUT, SAMPLES, STEPS for demo; JOBS, PYTEST_ARGS for test.'

setup: $(STAMP) ## create .venv with everything the demo and the tests need

# The interpreter may lack ensurepip (Debian without python3-venv): its own pip can fill the .venv then.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "posecorpus needs Python 3.11 or newer, found $$(command -v "$(or $(PYTHON),python3)" >/dev/null && "$(or $(PYTHON),python3)" --version 2>&1 || echo none); name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) >/dev/null 2>&1 \
		|| { rm -rf $(VENV) && "$(PYTHON)" -m venv --without-pip $(VENV) && "$(PYTHON)" -m pip --python $(BIN)/python install -q pip; } >/dev/null 2>&1 \
		|| { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment here; install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "Installing into $(VENV); the first time this takes some minutes"
	@if test -t 1; then quiet=; else quiet=-q; fi; \
		$(BIN)/python -m pip install $$quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

# The renders are imported as if they were photos with 14 joints annotated, and lifted from other motions than
# they show (built-in ones of another seed), so the error that is shown is one of unseen motions. The detector learns a few
# pictures by heart, for about a minute, and is asked about the same ones: of others it knows nothing after so short a time. With MOTIONS
# the library holds the very motions that were rendered, and real photos will do worse than the figure.
demo: $(STAMP) ## render 200 samples, lift them, train a detector, verify, report: make demo [MOTIONS=path] [OUT=demo]
	@$(BIN)/posecorpus synth "$(OUT)/corpus" --samples $(SAMPLES) $(if $(MOTIONS),--motions "$(MOTIONS)" --skip-bad)
	@$(BIN)/posecorpus verify "$(OUT)/corpus"
	@$(BIN)/posecorpus inspect "$(OUT)/corpus" --out "$(OUT)/report.html"
	@$(BIN)/posecorpus library "$(OUT)/library" --seed 1 --calibration 900 $(if $(MOTIONS),--motions "$(MOTIONS)" --skip-bad)
	@$(BIN)/posecorpus import "$(OUT)/annotated" --format corpus --annotations "$(OUT)/corpus" --skeleton lsp_14 --outside drop
	@$(BIN)/posecorpus lift "$(OUT)/lifted" --annotations "$(OUT)/annotated" --library "$(OUT)/library" --truth "$(OUT)/corpus"
	@$(BIN)/posecorpus label "$(OUT)/lifted" "$(OUT)/labelled" --parts ellipses --skeleton-maps widths=3,5,7
	@$(BIN)/posecorpus verify "$(OUT)/labelled"
	@$(BIN)/posecorpus inspect "$(OUT)/labelled" --out "$(OUT)/lifted.html"
	@$(BIN)/posecorpus anchors "$(OUT)/anchors.npz" --corpus "$(OUT)/corpus" --k 20 --upper-body
	@$(BIN)/posecorpus inspect "$(OUT)/anchors.npz" --out "$(OUT)/anchors.html"
	@$(BIN)/posecorpus synth "$(OUT)/few" --samples 32 --seed 2 $(if $(MOTIONS),--motions "$(MOTIONS)" --skip-bad)
	@$(BIN)/posecorpus train lcrnet --corpus "$(OUT)/few" --anchors "$(OUT)/anchors.npz" --steps $(STEPS) --no-augment --out "$(OUT)/run"
	@$(BIN)/posecorpus eval "$(OUT)/run" --corpus "$(OUT)/few" --out "$(OUT)/eval"
	@$(BIN)/posecorpus predict "$(OUT)/run" "$(OUT)/few" --out "$(OUT)/found"
	@echo
	@cd "$(OUT)" && echo "renders  $$(pwd)/corpus     report  $$(pwd)/report.html" \
		&& echo "lifted   $$(pwd)/labelled   report  $$(pwd)/lifted.html" \
		&& echo "anchors  $$(pwd)/anchors.npz   page  $$(pwd)/anchors.html" \
		&& echo "detector $$(pwd)/run   pages  $$(pwd)/found/predictions.html $$(pwd)/eval/eval.html   (open them in a browser)"

test: lint ## lint, then run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -v -n $(JOBS) --durations=10 $(PYTEST_ARGS)
	@echo "make test: everything passed"

lint: $(STAMP) ## ruff, mypy --strict, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# All but the ablation of LCR-Net, which takes an hour.
bench: $(STAMP) ## measure the figures of the README's performance table
	@for script in $(filter-out benchmarks/lcrnet_ablation.py,$(wildcard benchmarks/[a-z]*.py)); do \
		echo "== $$script"; OMP_NUM_THREADS=1 $(BIN)/python "$$script" || exit 1; done

clean: ## remove caches and builds (not .venv, not corpora)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .numba_cache
	find posecorpus tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
