"""The sbatch script of docs/scale.md works as written: bash takes it, and an array of its tasks makes the corpus."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_runs import OPTIONS, contents, motion_file, request

from posecorpus.core.manifest import MANIFEST
from posecorpus.pipelines.synthesis.synthesize import synthesize

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    text = (ROOT / "docs" / "scale.md").read_text()
    (found,) = re.findall(r"^```sbatch\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "synth.sbatch"
    path.write_text(found)
    return path


def environment(tmp_path: Path, **changes: str) -> dict[str, str]:
    """What SLURM gives a task; a virtual environment whose ``posecorpus`` is this one."""
    scripts = tmp_path / "venv" / "bin"
    scripts.mkdir(parents=True, exist_ok=True)
    (scripts / "activate").write_text(f'PATH="{scripts}:$PATH"\n')
    command = scripts / "posecorpus"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m posecorpus.pipelines.cli "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    kept.setdefault("USER", "someone")
    kept.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".numba_cache" / "docs"))  # outlives the test
    return kept | {"VENV": str(tmp_path / "venv")} | changes


def test_bash_takes_the_script_and_its_directives_are_slurms(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    lines = script.read_text().splitlines()
    directives = [line for line in lines if line.startswith("#SBATCH")]
    assert lines[0] == "#!/bin/bash"
    assert lines[1 : 1 + len(directives)] == directives  # SLURM stops reading them at the first command
    assert "#SBATCH --array=1-16" in directives


def test_a_task_without_an_output_folder_says_so(script: Path, tmp_path: Path) -> None:
    done = subprocess.run(["bash", str(script)], env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode != 0
    assert "OUT: the folder of the corpus" in done.stderr


@pytest.mark.parametrize("shared", [True, False])
def test_the_tasks_of_an_array_make_the_corpus(script: Path, tmp_path: Path, shared: bool) -> None:
    (tmp_path / "small.yaml").write_text(OPTIONS)
    options = ["--motions", str(motion_file(tmp_path)), "--config", str(tmp_path / "small.yaml")]
    for task in (2, 1):
        out = tmp_path / ("corpus" if shared else f"piece-{task}")
        slurm = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_CPUS_PER_TASK": "1"}
        variables = environment(tmp_path, OUT=str(out), SAMPLES="10", SEED="9", **slurm)
        done = subprocess.run(["bash", str(script), *options], env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).name == (
            MANIFEST if shared and task == 1 else f"manifest-{task}-of-2.json"
        )
    whole = tmp_path / "corpus"
    if not shared:
        whole.mkdir()
        names = [path.name for task in (1, 2) for path in (tmp_path / f"piece-{task}").iterdir()]
        assert len(set(names)) == len(names)
        for task in (1, 2):
            for path in (tmp_path / f"piece-{task}").iterdir():
                path.rename(whole / path.name)
        synthesize(request(tmp_path, 10), whole)
    synthesize(request(tmp_path, 10), tmp_path / "single")
    assert contents(whole) == contents(tmp_path / "single")
