"""``posecorpus pseudogt``: from annotated photos to a lifted, masked, mapped corpus in one command.

The steps are those of ``import``, ``lift``, ``filter`` and ``label``; each leaves its corpus in the output
folder, so an interrupted run goes on at the step it had reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from posecorpus.core.progress import Report, silent
from posecorpus.pipelines import ledger
from posecorpus.pipelines.importing.photos import ImportRequest, import_photos
from posecorpus.pipelines.labelling.label_corpus import LabelRequest, label_corpus
from posecorpus.pipelines.lifting.filter_lifted import filter_lifted
from posecorpus.pipelines.lifting.lift_corpus import LiftRequest, lift_corpus, open_trusted_library

ANNOTATED, LIFTED, TRUSTED, CORPUS = "annotated", "lifted", "trusted", "corpus"


@dataclass(frozen=True)
class PseudoGtRequest:
    """The four steps.

    Attributes:
        photos: what to import.
        lift: how to lift.
        max_error_mm: predicted error up to which 3D is kept, or None to keep all.
        label: what to draw.
    """

    photos: ImportRequest
    lift: LiftRequest
    label: LabelRequest
    max_error_mm: float | None = None


def make_pseudogt(
    request: PseudoGtRequest,
    out: Path,
    *,
    workers: int = 1,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> Path:
    """Run the steps; gives the manifest's path of the last corpus, ``out/corpus``."""
    # What a later step would stumble over is found before the first has worked for an hour.
    open_trusted_library(request.lift.library)
    for step in (ANNOTATED, LIFTED, TRUSTED, CORPUS):
        ledger.check_folder(out / step)
    out.mkdir(parents=True, exist_ok=True)
    import_photos(request.photos, out / ANNOTATED, workers=workers, report=report, note=note)
    _, summary = lift_corpus(out / ANNOTATED, request.lift, out / LIFTED, workers=workers, report=report)
    for line in summary.lines():
        note(line)
    lifted = out / LIFTED
    if request.max_error_mm is not None:
        kept = filter_lifted(lifted, out / TRUSTED, request.max_error_mm, workers=workers, report=report)
        note(f"kept {kept.kept_people:,} of {kept.people:,} lifted people")
        lifted = out / TRUSTED
    return label_corpus(lifted, request.label, out / CORPUS, workers=workers, report=report)
