"""What each part of LCR-Net++ brings, in the manner of the paper's tables 1 and 4.

    python benchmarks/lcrnet_ablation.py OUT [--base bandai.zip] [--more cmu.zip] [--test hdm05.zip]
        [--images 2500] [--test-images 300] [--steps 3000, if tiny] [--preset tiny] [--seed 0] [--repeats 1] [--jobs 2]
        [--only NAME ...] [--judge-seed N]

Makes three corpora of dressed people in rooms (one or two in a picture of 160x120, near): of the ``--base`` motions; of
the ``--more`` motions, drawn where the first is thin; and, to judge by, of the ``--test`` motions. Without files
the motions are built-in ones of three seeds. Every network sees as many pictures for as many steps, half of them from each of
the first two corpora, or all from the first. Then one part is left out at a time. Decodings share their
networks. With ``--repeats`` every network learns that often, each time from another seed, and cells are means with
standard deviations. What is there already in OUT is not made again, so an interrupted run goes on.

Prints a table and writes OUT/ablation.json and OUT/ablation.md. The default sizes take two CPU cores about an hour, with
two networks learning side by side, a core each; with as many threads a network the figures are the same.

``--judge-seed N`` trains nothing: it judges the networks in OUT by pictures of that seed, OUT/test-N, and prints the table;
repeats that are not there are left out.
Choices are best made by OUT/test and reported by others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from posecorpus.core.progress import Report
from posecorpus.models.data.augment import AugmentParams
from posecorpus.models.data.mixture import Source
from posecorpus.models.lcrnet.detect import DetectSettings
from posecorpus.models.lcrnet.params import PRESETS
from posecorpus.models.lcrnet.run import LCRNetRun, open_run
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.commands.shared import usable_workers
from posecorpus.pipelines.console import stages
from posecorpus.pipelines.evaluation.eval_people import JSON, EvalPeopleRequest, eval_people, usual_decodings
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.pipelines.training.train_lcrnet import TrainRequest, train_lcrnet
from posecorpus.synth.config import SynthConfig, load_config

CLUSTERS = 10
FIRST, LAST = "first estimate", "last estimate"
VIEWS = {
    "none": AugmentParams.none(),
    "flip": replace(AugmentParams.none(), flip=0.5),
    "full": AugmentParams(),
}
"""How pictures are seen: a short training has seen too little to be bored by them."""
SIZE = (160, 120)
SMALL_NETWORK: dict[str, Any] = {"frame": SIZE[::-1], "boxes": 8}
SMALL_TRAINING = {"steps": 3000, "images": 16, "learning_rate": 2e-3}
"""What differs from ``tiny``: more pictures for the same time, as they are small and few people are in each."""
PEOPLE = {"count": [1, 2]}
CROWD = {"distance_m": [1.8, 3.2]}
PROPS = {"in_front": [0, 0], "beside": [0, 0], "held_probability": 0.0, "seat_probability": 0.0}
FOUND = "recall_found"
COLUMNS = {
    "AP": ("ap", 100), "PCKh@.5": ("pckh", 100), "PCKh@1": ("pckh_1", 100), "3DPCK": ("pck3d", 100),
    "Abs. mm": ("mpjpe_abs_mm", 1), "Align. mm": ("mpjpe_rigid_mm", 1), "found": (FOUND, 100),
}  # fmt: skip


Results = dict[str, list[dict[str, Any]]]
"""Of each network, for each time that it learned: figures by decoding."""


@dataclass(frozen=True)
class Trained:
    """A network of the comparison.

    Attributes:
        network: what differs from the preset's sizes.
        upper_body: whether its anchors have classes of upper bodies.
        balanced: whether it sees the balanced corpus.
    """

    network: dict[str, Any] = field(default_factory=dict)
    upper_body: bool = True
    balanced: bool = True


NETWORKS = {
    "all": Trained(),
    "one-estimate": Trained({"estimate": 0}),
    "rounded": Trained({"pooling": "round"}),
    "whole-bodies": Trained(upper_body=False),
    "base-only": Trained(balanced=False),
    "none": Trained({"estimate": 0, "pooling": "round"}, upper_body=False, balanced=False),
}
ROWS = (
    ("LCR-Net++", "all", "PPI"),
    ("PPI, one pose for a person", "all", "PPI, once"),
    ("NMS instead of PPI", "all", "NMS"),
    ("no rescoring", "all", "PPI, not rescored"),
    ("NMS, no rescoring", "all", "NMS, not rescored"),
    ("the first of the two estimates", "all", FIRST),
    ("the second of the two estimates", "all", LAST),
    ("no second estimate", "one-estimate", "PPI"),
    ("rounded RoI pooling", "rounded", "PPI"),
    ("no upper-body classes", "whole-bodies", "PPI"),
    ("no balanced pictures", "base-only", "PPI"),
    ("LCR-Net: none of these", "none", "NMS, not rescored"),
    ("upper bound of proposals", "all", "upper bound"),
)


def config_of(samples_per_shard: int = 100) -> SynthConfig:
    """Small pictures of few people."""
    small = load_config("lcr-wild").resized(*SIZE).model_dump()
    small["people"] |= PEOPLE
    small["crowd"] |= CROWD
    small["props"] |= PROPS
    small["output"] = {"samples_per_shard": samples_per_shard}
    return SynthConfig.model_validate(small)


def corpora(options: argparse.Namespace) -> dict[str, Path]:
    """The three corpora, made if they are not there."""
    places = {name: options.out / name for name in ("base", "balanced", "test")}
    plans = {
        "base": (options.base, options.images, None),
        "balanced": (options.more, options.images, places["base"]),
        "test": (options.test, options.test_images, None),
    }
    for number, (name, (motions, count, reference)) in enumerate(plans.items()):
        request = SynthRequest(
            config=config_of(), seed=10 * options.seed + number, clips=count, motions=tuple(motions),
            balance=reference, skip_bad=True,
        )  # fmt: skip
        with stages() as (report, _):
            synthesize(request, places[name], workers=usable_workers(), report=report)
    return places


def seen_by(how: Trained, places: dict[str, Path]) -> list[Path]:
    """The corpora that a network learns from."""
    return [places["base"], places["balanced"]] if how.balanced else [places["base"]]


def anchors_of(how: Trained, places: dict[str, Path], options: argparse.Namespace) -> Path:
    """Its anchors, clustered if they are not there."""
    seen = seen_by(how, places)
    anchors: Path = options.out / f"anchors-{len(seen)}{'-upper' if how.upper_body else ''}.npz"
    if not anchors.is_file():
        cluster_anchors(
            AnchorsRequest(
                tuple(map(str, seen)), clusters=CLUSTERS, upper_body=how.upper_body, seed=options.seed
            ),
            anchors,
        )
    return anchors


def evaluated(
    name: str, repeat: int, places: dict[str, Path], anchors: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Train one network and measure it."""
    folder = folder_of(name, repeat, options)
    with stages() if options.jobs == 1 else lines(folder.name) as (report, note):
        if not (folder / "eval" / JSON).is_file():
            asked = lesson(NETWORKS[name], repeat, places, anchors, options)
            train_lcrnet(asked, folder / "run", report=report, note=note)
        return figures_of(name, folder, places["test"], "eval", report)


def folder_of(name: str, repeat: int, options: argparse.Namespace) -> Path:
    """Where a network is kept."""
    place: Path = options.out / (f"{name}-{repeat}" if repeat else name)
    return place


def figures_of(name: str, folder: Path, test: Path, figures: str, report: Report) -> dict[str, Any]:
    """Of a trained network, in every decoding, and of each of its estimates if there is a row for them."""
    run = open_run(folder / "run")
    found = judged(run, test, folder / figures, report)
    if (name, LAST) in {(network, decoding) for _, network, decoding in ROWS}:
        run.net.params = replace(run.net.params, conclusion="last")
        found[LAST] = judged(run, test, folder / f"{figures}-last", report)["PPI"]
        run.net.second = None
        found[FIRST] = judged(run, test, folder / f"{figures}-first", report)["PPI"]
    return found


def lesson(
    how: Trained, repeat: int, places: dict[str, Path], anchors: Path, options: argparse.Namespace
) -> TrainRequest:
    """What a network learns, and how."""
    small = options.preset == "tiny"
    training = {
        "seed": options.seed + repeat, "workers": options.workers, "preview_every": 500, "precision": options.precision,
        **(SMALL_TRAINING if small else {}), **({"steps": options.steps} if options.steps else {}),
    }  # fmt: skip
    return TrainRequest(
        tuple(Source(str(place)) for place in seen_by(how, places)), anchors, options.preset,
        how.network | (SMALL_NETWORK if small else {}), training, VIEWS[options.augment], options.init,
        str(places["test"]),
    )  # fmt: skip


def judged(run: LCRNetRun, test: Path, folder: Path, report: Report) -> dict[str, Any]:
    """Figures of each decoding, measured if they are not there."""
    if not (folder / JSON).is_file():
        asked = EvalPeopleRequest(str(test), decodings=usual_decodings(DetectSettings()))
        eval_people(run, asked, folder, report=report)
    found: dict[str, Any] = json.loads((folder / JSON).read_text())["figures"]
    return found


@contextmanager
def lines(name: str) -> Iterator[tuple[Report, Callable[[str], None]]]:
    """As ``stages``, for one of several: a line at each tenth, as bars of several would paint over each other."""
    said = set()

    def report(stage: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if (stage, tenth) not in said:
            said.add((stage, tenth))
            print(f"{datetime.now():%H:%M:%S} {name}: {stage} {done} of {total}", file=sys.stderr, flush=True)

    yield report, lambda message: print(f"{name}: {message}", file=sys.stderr, flush=True)


def table(results: Results) -> str:
    """Rows as Markdown."""
    lines = [f"| | {' | '.join(COLUMNS)} |", "| --- |" + " --- |" * len(COLUMNS)]
    for title, network, decoding in ROWS:
        if network in results:
            runs = [found[decoding] for found in results[network]]
            lines.append(f"| {title} | {' | '.join(cell(runs, *COLUMNS[name]) for name in COLUMNS)} |")
    return "\n".join(lines)


def cell(runs: list[dict[str, Any]], key: str, scale: float) -> str:
    """The mean over runs, and their standard deviation if there are several."""
    values = [run["found"] / run["people"] if key == FOUND else run[key] for run in runs]
    if None in values:
        return ""
    spread = f" ± {scale * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{scale * mean(values):.1f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    for name in ("base", "more", "test"):
        parser.add_argument(f"--{name}", type=Path, action="append", default=[])
    parser.add_argument("--images", type=int, default=2500)
    parser.add_argument("--test-images", type=int, default=300)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--preset", default="tiny", choices=sorted(PRESETS))
    parser.add_argument("--augment", choices=VIEWS, default="flip")
    parser.add_argument("--init")
    parser.add_argument("--precision", default="no")
    parser.add_argument("--workers", type=int, default=1, help="loading pictures, of each network")
    parser.add_argument(
        "--jobs", type=int, default=min(2, usable_workers()), help="networks learning at once"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=1, help="times that every network learns")
    parser.add_argument(
        "--judge-seed", type=int, help="only judge networks again, by new pictures of this seed"
    )
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.judge_seed is None:
        compare(options)
    else:
        judge_again(options)


def compare(options: argparse.Namespace) -> None:
    """Train all networks and judge them."""
    places = corpora(options)
    anchors = {name: anchors_of(NETWORKS[name], places, options) for name in options.only}
    os.environ["OMP_NUM_THREADS"] = str(max(1, usable_workers() // options.jobs))
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    waiting = [(name, repeat) for repeat in range(options.repeats) for name in options.only]
    results: Results = {}
    running: dict[Future[dict[str, Any]], str] = {}
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        # No more than are learning are handed over: Ctrl-C would else begin the next ones.
        while waiting or running:
            while waiting and len(running) < options.jobs:
                name, repeat = waiting.pop(0)
                asked = (name, repeat, places, anchors[name], options)
                running[pool.submit(evaluated, *asked)] = name
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                results.setdefault(running.pop(done), []).append(done.result())
                show(results, options.out)


def judge_again(options: argparse.Namespace) -> None:
    """Judge the trained networks by other pictures than any choice was made by."""
    test = options.out / f"test-{options.judge_seed}"
    request = SynthRequest(
        config=config_of(),
        seed=options.judge_seed,
        clips=options.test_images,
        motions=tuple(options.test),
        skip_bad=True,
    )
    with stages() as (report, _):
        synthesize(request, test, workers=usable_workers(), report=report)
        results = {
            name: [
                figures_of(name, folder, test, f"eval-{options.judge_seed}", report)
                for folder in (folder_of(name, repeat, options) for repeat in range(options.repeats))
                if (folder / "run").is_dir()
            ]
            for name in options.only
        }
    print(table(results))


def show(results: Results, folder: Path) -> None:
    """Write and print what is known so far."""
    (folder / "ablation.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "ablation.md").write_text(table(results) + "\n")
    print(table(results), flush=True)


if __name__ == "__main__":
    main()
