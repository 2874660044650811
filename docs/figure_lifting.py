"""Makes the picture of ``Labels for photos``: ``python docs/figure_lifting.py`` (a minute, no data needed).

Renders stand in for photos: 14 joints of each are lifted with a library of other built-in motions, so that the
result can be drawn beside the truth.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.ellipses import default_constants, plan_for
from posecorpus.core.sample import Person, Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import FULL_42, LSP_14, TORSO, convert
from posecorpus.inspect.overlays import colour_parts, draw_joints
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.pseudogt.ellipse_parts.draw import ellipse_masks
from posecorpus.pseudogt.library.files import open_library, save_library
from posecorpus.pseudogt.library.heading import torso_centred
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.library.views import spread_views
from posecorpus.pseudogt.lift.lift import Lifter
from posecorpus.pseudogt.skeleton_maps.label import person_window
from posecorpus.pseudogt.skeleton_maps.maps import colour, skeleton_maps
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.builtin import builtin_clip
from posecorpus.synth.config import SynthConfig, load_config

IMAGES = Path(__file__).parent / "images"
TILE, HEADER = 260, 30
CLIPS, POSES_OF_CLIP, VIEWS = 60, 40, 120
SHOWN = 3
TITLES = ("2D annotation", "lifted, from the side", "ellipse parts", "sticks: nearer bones", "farther bones")
TRUTH, LEFT, RIGHT = (190, 190, 190), (31, 119, 220), (225, 110, 25)
Picture = NDArray[np.uint8]
Floats = NDArray[np.floating]


def large(config: SynthConfig) -> SynthConfig:
    """People as tall as a tile."""
    data = config.resized(640, 480).model_dump()
    data["camera"]["pitch_deg"] = (0.0, 8.0)
    data["camera"]["distance_m"] = {"mean": 5.2, "std": 0.2, "min": 4.8}
    return SynthConfig.model_validate(data)


def make_library(folder: Path) -> PoseLibrary:
    """Poses of built-in motions of a seed that the renders do not have."""
    body, rng = load_body("open", "neutral"), np.random.default_rng(0)
    clips = [clip_landmarks(builtin_clip(i, 1), body) for i in range(CLIPS)]
    poses = np.concatenate([clip[rng.permutation(len(clip))[:POSES_OF_CLIP]] for clip in clips])
    azimuth, elevation = spread_views(len(poses), VIEWS, (-20, 40), 0)
    zeros = np.zeros(len(poses), np.int32)
    entries = (ClipEntry("built-in", "", "", ""),)
    centred = torso_centred(poses).astype(np.float32)
    save_library(PoseLibrary(folder, centred, azimuth, elevation, zeros, zeros, zeros > 0, entries), folder)
    return open_library(folder)


def annotated(sample: Sample) -> Person:
    """What an annotator would give: 14 joints in 2D. The truth stays beside them in 3D."""
    person = sample.people[0]
    assert person.joints3d is not None
    joints2d, joints3d = (convert(values, FULL_42, LSP_14) for values in (person.joints2d, person.joints3d))
    seen = np.full(len(LSP_14), 2, np.uint8)
    return replace(person, skeleton=LSP_14.name, joints2d=joints2d, joints3d=joints3d, visibility=seen)


def from_the_side(truth: Floats, lifted: Floats) -> Picture:
    """Both skeletons seen from their left, about the middle of the torso; the truth is grey."""
    picture = np.full((TILE, TILE, 3), 255, np.uint8)
    torso = LSP_14.indices(*TORSO)
    both = [joints - joints[torso].mean(0) for joints in (truth, lifted)]
    sides = np.stack([joints[:, [2, 1]] for joints in both])
    low, high = sides.min((0, 1)), sides.max((0, 1))
    scale = 0.84 * TILE / max((high - low).max(), 1.6)
    sides = (sides - (low + high) / 2) * scale + TILE / 2
    for points, width in zip(sides, (7, 3), strict=True):
        for child, parent in enumerate(LSP_14.parents):
            if parent < 0:
                continue
            name = LSP_14.joints[child]
            tint = (
                TRUTH
                if width > 3
                else (LEFT if name[0] == "l" else RIGHT if name[0] == "r" else (60, 60, 60))
            )
            a, b = (tuple(np.round(points[j] * 16).astype(int).tolist()) for j in (child, parent))
            cv2.line(picture, a, b, tint, width, cv2.LINE_AA, 4)
    return picture


def maps(sample: Sample, person: Person, lifted: Floats) -> tuple[Picture, Picture]:
    """Foreground and background in the person's window."""
    window = person_window(person)
    assert sample.camera is not None and window is not None
    front, back = skeleton_maps(lifted[None], sample.camera.K, LSP_14, window, TILE, 9.0)
    return front[0], back[0]


def crossing(sample: Sample, person: Person, lifted: Floats) -> float:
    """Share of the sticks' pixels where one lies behind another."""
    front, back = maps(sample, person, lifted)
    return float((front != back).sum() / (front > 0).sum())


def row(sample: Sample, person: Person, lifted: Floats) -> Picture:
    """All that is made of one annotated person."""
    window = person_window(person)
    assert sample.image is not None and person.joints3d is not None and window is not None
    scale = TILE / (window[2] - window[0])
    shift = -window[:2] * scale + scale / 2 - 0.5  # OpenCV counts pixel centres in whole numbers
    matrix = np.column_stack([np.eye(2) * scale, shift]).astype(np.float64)
    photo = cv2.warpAffine(
        sample.image, matrix, (TILE, TILE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    joints = (person.joints2d - window[:2]) * scale
    photo = draw_joints(np.asarray(photo, np.uint8), joints.astype(np.float32), person.visibility, LSP_14)
    constants = default_constants("h36m_25")
    plan = plan_for(constants, LSP_14.name)
    parts = ellipse_masks(person.joints2d[None], lifted[None], plan, TILE, TILE, window)[0]
    coloured = np.where((parts > 0)[..., None], colour_parts(parts, constants.parts), np.uint8(255))
    sticks = [
        np.where((ids > 0)[..., None], colour(ids), np.uint8(25)) for ids in maps(sample, person, lifted)
    ]
    tiles = [photo, from_the_side(person.joints3d, lifted), coloured, *sticks]
    return np.concatenate([np.pad(t, ((0, 6), (0, 6), (0, 0)), constant_values=255) for t in tiles], axis=1)


def header(width: int) -> Picture:
    """What the columns show."""
    picture = np.full((HEADER, width, 3), 255, np.uint8)
    for i, title in enumerate(TITLES):
        (long, _), _ = cv2.getTextSize(title, cv2.FONT_HERSHEY_DUPLEX, 0.5, 1)
        place = i * (TILE + 6) + (TILE - long) // 2, HEADER - 10
        cv2.putText(picture, title, place, cv2.FONT_HERSHEY_DUPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return picture


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        request = SynthRequest(large(load_config("surreal")), seed=2, clips=40)
        synthesize(request, Path(scratch) / "corpus")
        samples = [s for s in Corpus(Path(scratch) / "corpus") if np.isfinite(s.people[0].joints2d).all()]
        people = [annotated(sample) for sample in samples]
        K = np.stack([sample.camera.K for sample in samples if sample.camera is not None])
        lifter = Lifter(make_library(Path(scratch) / "library"), LSP_14)
        lifted = lifter.lift(np.stack([p.joints2d for p in people]).astype(np.float64), K).joints3d
    torso = LSP_14.indices(*TORSO)
    truth = np.stack([p.joints3d for p in people if p.joints3d is not None])
    error = np.linalg.norm(
        (truth - truth[:, torso].mean(1, keepdims=True)) - (lifted - lifted[:, torso].mean(1, keepdims=True)),
        axis=-1,
    ).mean(1)
    print(
        f"{len(people)} people, mean error {1000 * error.mean():.0f} mm, median {1000 * np.median(error):.0f} mm"
    )
    # Of different motions, and neither the best nor the worst: the least upright people some of whose limbs cross.
    plain = np.abs(error - np.median(error)) > np.median(np.abs(error - np.median(error)))
    plain |= np.array([crossing(s, p, j) < 0.04 for s, p, j in zip(samples, people, lifted, strict=True)])
    sides = np.array([np.ptp(person.joints2d, axis=0) for person in people])
    chosen: dict[str | None, int] = {}
    for i in np.argsort(plain - sides.min(1) / sides.max(1)):
        chosen.setdefault(people[i].motion, int(i))
    shown = list(chosen.values())[:SHOWN]
    print("shown:", ", ".join(f"{1000 * error[i]:.0f} mm" for i in shown))
    rows = [row(samples[i], people[i], lifted[i]) for i in shown]
    picture = np.concatenate([header(rows[0].shape[1]), *rows])
    IMAGES.mkdir(exist_ok=True)
    cv2.imwrite(str(IMAGES / "lifting.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    print(IMAGES / "lifting.jpg")


if __name__ == "__main__":
    main()
