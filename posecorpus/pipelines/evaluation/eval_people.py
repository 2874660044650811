"""``posecorpus eval``: how well a trained detector finds the people of a corpus, in the picture and in space.

The story: the detector proposes poses in every picture once; each way of decoding makes people of the same proposals;
they are compared with the truth; figures, curves and the worst and best pictures are written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.progress import Report, silent
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.pipelines.evaluation.people_examples import Extremes
from posecorpus.pipelines.evaluation.people_ledger import Ledger
from posecorpus.pipelines.evaluation.people_page import write_page
from posecorpus.pipelines.evaluation.people_results import UPPER_BOUND, PeopleResults, results_of
from posecorpus.pipelines.evaluation.people_sweep import sweep_decodings
from posecorpus.pipelines.evaluation.people_truth import picture_truth
from posecorpus.pipelines.evaluation.people_verdicts import Found, judge, judge_best

if TYPE_CHECKING:
    from posecorpus.models.lcrnet.decode import Detections, Proposals
    from posecorpus.models.lcrnet.detect import DetectSettings

JSON, PAGE = "results.json", "eval.html"


class Detector(Protocol):
    """What is evaluated: :class:`posecorpus.models.lcrnet.run.LCRNetRun`, or whatever does the same."""

    @property
    def anchors(self) -> Anchors:
        """The anchor poses; their skeleton is that of the proposals."""

    def proposals(self, image: NDArray[np.uint8]) -> Proposals:
        """Poses proposed in a picture (H, W, 3), RGB, in its pixels."""


@dataclass(frozen=True)
class EvalPeopleRequest:
    """What to evaluate.

    Attributes:
        corpus: folder or URL.
        limit: pictures to look at, evenly spread over the corpus; None for all.
        least_visible: judged joints that must be visible for a person to count.
        examples: worst and best pictures to show, of each.
        decodings: by name; the first is the one that the page is about. All make people of the same proposals.
        sweep: the first decoding is tried with a grid of thresholds, too.
        about: further facts for the results, such as the run.
    """

    corpus: str
    limit: int | None = None
    least_visible: int = 1
    examples: int = 12
    decodings: Mapping[str, DetectSettings] = field(default_factory=dict)
    sweep: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise InputError("--limit", "at least 1", self.limit)
        if self.least_visible < 1:
            raise InputError("--least-visible", "at least 1", self.least_visible)
        if UPPER_BOUND in self.decodings:
            raise InputError("decodings", "other names", UPPER_BOUND)


@dataclass(frozen=True)
class PeopleEvaluation:
    """Where an evaluation lies, and its figures."""

    json: Path
    page: Path
    results: PeopleResults


def usual_decodings(settings: DetectSettings) -> dict[str, DetectSettings]:
    """Pose proposal integration against non-maximum suppression, each with and without rescoring.

    Integration gives a person all poses that it finds likely, and all but one are false alarms to AP; so also with the
    best of them alone.
    """
    from posecorpus.models.lcrnet.detect import EVERYBODY_ONCE

    if settings.integration is None:
        raise InputError("decodings", "settings with thresholds of integration", "none")
    nms = replace(settings, integration=None)
    return {
        "PPI": settings,
        "NMS": nms,
        "PPI, once": replace(settings, same_iou=EVERYBODY_ONCE.same_iou),
        "PPI, not rescored": replace(settings, rescore=False),
        "NMS, not rescored": replace(nms, rescore=False),
    }


def eval_people(
    detector: Detector, request: EvalPeopleRequest, out: Path, *, report: Report = silent
) -> PeopleEvaluation:
    """Evaluate a detector on a corpus; writes ``results.json`` and ``eval.html`` into ``out``.

    The corpus is streamed: memory grows by some hundred bytes for each person and detection.

    Raises:
        InputError: no corpus there, it has no picture, or none of its people can be judged.
    """
    from posecorpus.models.lcrnet.detect import DetectSettings

    decodings = dict(request.decodings) or usual_decodings(DetectSettings())
    corpus = Corpus(request.corpus)
    grid = sweep_decodings(next(iter(decodings.values()))) if request.sweep else {}
    looked = _look(detector, corpus, request, decodings, grid, report)
    if not looked.ledger.pictures:
        raise InputError(request.corpus, "a corpus with pictures", "annotations alone")
    joints = detector.anchors.skeleton
    settings = {
        "corpus": request.corpus,
        "pictures": looked.ledger.pictures,
        "of": len(corpus),
        "without_picture": looked.without_picture,
        "least_visible": request.least_visible,
        "skeleton": joints.name,
        "decodings": {name: asdict(how) for name, how in decodings.items()},
        "pictures_per_s": round(looked.ledger.pictures / looked.seconds, 2) if looked.seconds else None,
        **request.about,
    }
    results = results_of(looked.ledger, joints, settings, looked.extremes, list(grid))
    out.mkdir(parents=True, exist_ok=True)
    path = out / JSON
    write_atomically(path, (json.dumps(results.as_dict(), indent=1, allow_nan=False) + "\n").encode())
    return PeopleEvaluation(path, write_page(results, out / PAGE), results)


@dataclass
class _Looked:
    """What was gathered while a corpus streamed by; ``seconds`` is the time that proposing took."""

    ledger: Ledger
    extremes: Extremes
    without_picture: int = 0
    seconds: float = 0.0


def _look(
    detector: Detector,
    corpus: Corpus,
    request: EvalPeopleRequest,
    decodings: Mapping[str, DetectSettings],
    grid: Mapping[tuple[float, int], DetectSettings],
    report: Report,
) -> _Looked:
    from posecorpus.models.lcrnet.detect import people_of

    joints, main = detector.anchors.skeleton, next(iter(decodings))
    looked = _Looked(Ledger(), Extremes(joints, request.examples))
    total = min(len(corpus), request.limit or len(corpus))
    report("evaluating", 0, total)
    for done, sample in enumerate(_samples(corpus, total), 1):
        if sample.image is None:
            looked.without_picture += 1
            report("evaluating", done, total)
            continue
        began = time.perf_counter()
        proposals = detector.proposals(sample.image)
        looked.seconds += time.perf_counter() - began
        truth = picture_truth(sample, detector.anchors, request.least_visible)
        people = {name: _found(people_of(proposals, joints, how)) for name, how in decodings.items()}
        size = (sample.width, sample.height)
        verdicts = {name: judge(truth, found, joints, size) for name, found in people.items()}
        looked.extremes.show(sample, people[main], verdicts[main])
        verdicts[UPPER_BOUND] = judge_best(truth, _found(proposals), joints)
        tried = {
            which: judge(truth, _found(people_of(proposals, joints, how)), joints, size)
            for which, how in grid.items()
        }
        looked.ledger.add(truth, verdicts, tried)
        report("evaluating", done, total)
    return looked


def _samples(corpus: Corpus, count: int) -> Iterator[Sample]:
    """So many samples, evenly spread."""
    if count == len(corpus):
        yield from corpus.samples(("image",))
    else:
        for i in np.linspace(0, len(corpus), count, endpoint=False).astype(int):
            yield corpus[int(i)]


def _found(people: Detections | Proposals) -> Found:
    return Found(people.poses2d, people.poses3d, people.scores)
