"""What an import found: counts for the manifest, lines for the user, and names for the samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from posecorpus.core.sample import HIDDEN, UNLABELLED
from posecorpus.core.skeletons import skeleton
from posecorpus.pipelines.importing.pictures import Photos
from posecorpus.pseudogt.photos.checks import EXCHANGED_BODY, EXCHANGED_FACE, Sides, check_sides, outside
from posecorpus.pseudogt.photos.records import Annotations
from posecorpus.pseudogt.photos.samples import JointRules

SHOWN = 3
"""How many examples a line of the summary names."""
MAX_LICENCES = 10
_MAX_KEY = 120

OUTSIDE = "joints outside their image"
BODY = "people whose shoulders and hips have left and right exchanged between them"
FACE = "people whose face has left and right exchanged"
FILE = "most people face away from the camera: left and right may be exchanged in the whole file"


@dataclass
class Summary:
    """Counts of an import.

    Attributes:
        sides: what the labels say about left and right.
        left_out: how many things were passed over, by what they are.
        findings: what looks wrong and was imported as it is, by what it is.
        examples: names of photos for each finding.
        totals: photos, people, joints and the like.
        licence: of photos for which the file names none; licences: how many photos are under which.
    """

    sides: Sides
    left_out: dict[str, int]
    findings: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    licence: str = ""
    licences: Counter[str] = field(default_factory=Counter)

    def count(self, photos: Photos, rules: JointRules) -> None:
        """Count what is in the photos that are imported."""
        self.left_out |= photos.left_out
        found: Counter[str] = Counter()
        for photo, examined in photos.usable:
            size = photo.size if examined is None else (examined.width, examined.height)
            self.totals["photos"] += 1
            self.totals["pixels"] += examined is not None
            self.totals["estimated"] += size is None
            self.licences[str(photo.details.get("licence", self.licence))] += 1
            for someone in photo.people:
                _, flags = rules.apply(someone.joints, someone.visibility, size)
                self.totals["people"] += bool(flags.any())
                self.totals["joints"] += len(flags)
                self.totals["unlabelled"] += int(np.count_nonzero(flags == UNLABELLED))
                self.totals["hidden"] += int(np.count_nonzero(flags == HIDDEN))
                beyond = int(np.count_nonzero(outside(someone.joints, size)))
                doubts = someone.details.get("doubts", ())
                for what, number in (
                    (OUTSIDE, beyond),
                    (BODY, int(EXCHANGED_BODY in doubts)),
                    (FACE, int(EXCHANGED_FACE in doubts)),
                ):
                    found[what] += number
                    if (
                        number
                        and len(self.examples.setdefault(what, [])) < SHOWN
                        and (photo.name not in self.examples[what])
                    ):
                        self.examples[what].append(photo.name)
            if examined is not None and examined.change:
                found[f"photos of which the file was not kept: {examined.change}"] += 1
        if self.sides.file_exchanged:
            found[FILE] = 1
        self.findings = {what: number for what, number in sorted(found.items()) if number}

    def lines(self) -> list[str]:
        """The end of the story, for the user."""
        t = self.totals
        pixels = "" if t["pixels"] else " (annotations without pixels)"
        joints = max(t["joints"], 1)
        lines = [
            f"{t['photos']:,} photos{pixels}, {t['people']:,} people, {t['unlabelled'] / joints:.1%} of the joints "
            f"unlabelled, {t['hidden'] / joints:.1%} hidden"
        ]
        if t["estimated"]:
            lines.append(f"the size of {t['estimated']:,} photos is unknown and estimated from their people")
        if self.sides.judged:
            lines.append(
                f"{self.sides.facing:.0%} of {self.sides.judged:,} people seen broad enough face the camera"
            )
        lines.append(f"licences of the photos: {_listed(self.licences)}")
        lines += [f"left out: {number:,} {what}" for what, number in self.left_out.items()]
        for what, number in self.findings.items():
            shown = self.examples.get(what, [])
            more = ", ..." if len(shown) == SHOWN else ""
            examples = f" ({', '.join(shown)}{more})" if shown else ""
            lines.append(f"look at: {what}" if what == FILE else f"look at: {number:,} {what}{examples}")
        return lines


def _listed(counts: Counter[str]) -> str:
    """The commonest, with their numbers."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name[:80]} ({number:,})" for name, number in ordered[:MAX_LICENCES]]
    return ", ".join(shown + ["..."] * (len(ordered) > MAX_LICENCES))


def judge(annotations: Annotations) -> Summary:
    """Judge left and right; doubts are written into the details of the people they are about."""
    people = [person for photo in annotations.photos for person in photo.people]
    sides = check_sides(people, skeleton(annotations.skeleton))
    for index, someone in enumerate(people):
        doubts = [
            text
            for flag, text in ((sides.body[index], EXCHANGED_BODY), (sides.face[index], EXCHANGED_FACE))
            if flag
        ]
        if doubts:
            someone.details["doubts"] = doubts
    return Summary(sides, dict(annotations.left_out), licence=annotations.dataset["licence"])


def sample_keys(names: Sequence[str]) -> list[str]:
    """Keys of samples: names of photos without their suffix, made unique and free of strange characters."""
    keys: list[str] = []
    used: set[str] = set()
    for name in names:
        stem = re.sub(r"\.[A-Za-z]{3,4}$", "", name)
        base = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip(".-")[-_MAX_KEY:].lstrip(".-") or "photo"
        key, number = base, 1
        while key in used:
            number += 1
            key = f"{base}-{number}"
        used.add(key)
        keys.append(key)
    return keys
