"""``posecorpus fit-ellipses``: the ellipses' constants from a corpus with rendered part masks, with figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posecorpus.core.ellipses import MEASURES, EllipseConstants, naive_constants
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import write_atomically
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.progress import Report, silent
from posecorpus.core.seeds import generator
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import COCO_17, FULL_42, H36M_17, LCR_13, LSP_14, MPII_16, SMPL_24
from posecorpus.pseudogt.ellipse_parts.fit import fit_constants, fit_proportions
from posecorpus.pseudogt.ellipse_parts.score import Drawing, Truth, mean_score, read_truth, score

LEAST = 20
"""Renders to fit to, and renders held out."""
Scores = dict[str, float]


@dataclass(frozen=True)
class EllipseFit:
    """What came out.

    Attributes:
        path: the file of constants.
        constants: its contents.
        before, after: IoU of each part on the renders fitted to, with constants guessed by eye and with fitted ones.
        held_before, held_after: the same on held-out renders.
        by_skeleton: mean IoU over parts on held-out renders, by what is known of the people.
        fitted, held: numbers of renders.
    """

    path: Path
    constants: EllipseConstants
    before: Scores
    after: Scores
    held_before: Scores
    held_after: Scores
    by_skeleton: dict[str, float]
    fitted: int
    held: int

    def __str__(self) -> str:
        head = f"{'IoU':<28}{'before':>8}{'after':>8}{'held out: before':>20}{'after':>8}"
        columns = (self.before, self.after, self.held_before, self.held_after)
        rows = [(part, [column[part] for column in columns]) for part in self.before]
        rows.append(("mean", [mean_score(column) for column in columns]))
        lines = [f"{name:<28}{a:8.3f}{b:8.3f}{c:20.3f}{d:8.3f}" for name, (a, b, c, d) in rows]
        lines += [f"{name:<56}{value:16.3f}" for name, value in self.by_skeleton.items()]
        return "\n".join([f"{self.fitted} renders fitted to, {self.held} held out", head, *lines])


def fit_ellipses(
    corpus: Path,
    out: Path,
    *,
    taxonomy: str = "h36m_25",
    held_out: Path | None = None,
    held_out_fraction: float = 0.5,
    seed: int = 0,
    measures: Iterable[str] = MEASURES,
    workers: int = 1,
    report: Report = silent,
    note: Callable[[str], None] = lambda message: None,
) -> EllipseFit:
    """Estimate constants by maximising IoU with a corpus's ``smpl_24`` part masks, and write them to ``out``.

    Args:
        corpus: made by ``posecorpus synth``: 2D and 3D joints and rendered parts.
        out: the JSON file to write.
        taxonomy: ``h36m_25`` or ``surreal_14``.
        held_out: another corpus to report on; default: a part of the same.
        held_out_fraction: that part.
        seed: of the choice of that part.
        measures: constants that are free; ``["radius"]`` keeps segments as major axes, as in the paper.
        workers: threads.
        report: told how many constants are fitted.
        note: told what is going on.

    Raises:
        InputError: no such corpus, no rendered parts, too few renders, an unknown taxonomy or measure.
    """
    measures = tuple(measures)
    if not measures or not set(measures) <= set(MEASURES):
        raise InputError("--measures", f"some of {', '.join(MEASURES)}", ", ".join(measures) or "none")
    if not 0 < held_out_fraction < 1:
        raise InputError("--held-out-fraction", "a number between 0 and 1", held_out_fraction)
    start = naive_constants(taxonomy)
    mine = _read(corpus)
    if held_out is None:
        order = generator(seed, "fit-ellipses").permutation(len(mine))
        count = round(held_out_fraction * len(mine))
        theirs, mine = mine.pick(np.sort(order[:count])), mine.pick(np.sort(order[count:]))
    else:
        theirs = _read(held_out)
    for truth, where in ((mine, corpus), (theirs, held_out or corpus)):
        if len(truth) < LEAST:
            raise InputError(where, f"at least {LEAST} renders to fit to and as many held out", len(truth))
    note(f"{len(mine)} renders to fit to, {len(theirs)} held out")
    guess = fit_proportions(mine, start)
    fitted = fit_constants(mine, guess, measures=measures, workers=workers, report=report)
    fitted = replace(
        fitted, made_with=_command(corpus, taxonomy, held_out, held_out_fraction, seed, measures)
    )
    write_atomically(out, (json.dumps(fitted.as_json(), indent=1) + "\n").encode())
    seen = Drawing()
    return EllipseFit(
        path=out,
        constants=fitted,
        before=score(mine, guess, seen, workers),
        after=score(mine, fitted, seen, workers),
        held_before=score(theirs, guess, seen, workers),
        held_after=score(theirs, fitted, seen, workers),
        by_skeleton=by_skeleton(theirs, fitted, workers),
        fitted=len(mine),
        held=len(theirs),
    )


def by_skeleton(truth: Truth, constants: EllipseConstants, workers: int = 1) -> dict[str, float]:
    """Mean IoU over parts for every skeleton, with people's depths known and not."""
    drawings = [
        Drawing(skeleton, depth=depth)
        for skeleton in (FULL_42, SMPL_24, LSP_14, MPII_16, COCO_17, H36M_17, LCR_13)
        for depth in (True, False)
    ]
    return {str(d): mean_score(score(truth, constants, d, workers)) for d in drawings}


def _read(path: Path) -> Truth:
    corpus = Corpus(path)
    found = corpus.manifest.part_taxonomy
    if found is None or found.get("name") != SMPL_24_PARTS.name:
        got = "none" if found is None else found.get("name")
        raise InputError(path, "rendered part masks of smpl_24", got, "make a corpus with `posecorpus synth`")
    return read_truth(corpus.samples(("parts",)))


def _command(
    corpus: Path, taxonomy: str, held_out: Path | None, fraction: float, seed: int, measures: tuple[str, ...]
) -> str:
    """The command that makes the same file, with paths left out and the corpus named by its contents."""
    manifest = Corpus(corpus).manifest
    words = ["posecorpus fit-ellipses CORPUS --out OUT --taxonomy", taxonomy]
    if held_out is None:
        words += ["--held-out-fraction", f"{fraction:g}", "--seed", str(seed)]
    if measures != MEASURES:
        words += [f"--measures {','.join(measures)}"]
    digest = hashlib.sha256("".join(entry.sha256 for entry in manifest.shards).encode()).hexdigest()[:16]
    made = f"posecorpus {manifest.kind} CORPUS --samples {manifest.planned_samples} --seed {manifest.seed}"
    people = manifest.configuration.get("people", {})
    genders = people.get("genders", ())
    if people.get("body") == "open":
        made += f" --body {'mixed' if len(genders) > 1 else genders[0]}"
    return f"{made}; {' '.join(words)} (shards {digest})"
