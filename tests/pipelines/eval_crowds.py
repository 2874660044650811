"""People before a camera and detectors that are wrong about them in known ways, for the tests of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecorpus.anchors.bank import Anchors, make_anchors
from posecorpus.anchors.boxes import joint_boxes
from posecorpus.anchors.poses import pose_set
from posecorpus.core.cameras import Camera
from posecorpus.core.manifest import MANIFEST, Manifest, describe_skeletons
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.sample import HIDDEN, VISIBLE, Person, Sample
from posecorpus.core.shards import write_shard
from posecorpus.core.skeletons import FULL_42, H36M_17, LCR_13, Skeleton, convert, skeleton
from posecorpus.models.lcrnet.decode import Proposals
from posecorpus.pipelines.evaluation.people_figures import PeopleFigures, figures
from posecorpus.pipelines.evaluation.people_ledger import Ledger
from posecorpus.pipelines.evaluation.people_results import UPPER_BOUND
from posecorpus.pipelines.evaluation.people_truth import PictureTruth, picture_truth
from posecorpus.pipelines.evaluation.people_verdicts import Found, Verdict, judge, judge_best

SIZE = WIDTH, HEIGHT = 320, 240
CAMERA = Camera.from_fov(60, WIDTH, HEIGHT)
PLACES = ((-1.2, 0.0, 4.0), (0.0, 0.0, 4.5), (1.2, 0.0, 4.0))
"""Where people stand so that all of each is in the picture and nobody near another."""

_T_POSE = {
    "pelvis": (0, 0), "hip": (0.1, 0.02), "knee": (0.12, 0.45), "ankle": (0.12, 0.85), "foot": (0.12, 0.9),
    "spine": (0, -0.2), "neck": (0, -0.48), "thorax": (0, -0.45), "jaw": (0, -0.55), "head": (0, -0.62), "top": (0, -0.75),
    "nose": (0, -0.62), "eye": (0.03, -0.65), "ear": (0.07, -0.64), "collar": (0.07, -0.42), "shoulder": (0.18, -0.42),
    "elbow": (0.25, -0.15), "wrist": (0.27, 0.1), "hand": (0.27, 0.18), "upper": (0, -0.52), "skull": (0, -0.58),
}  # fmt: skip


def standing(
    rng: np.random.Generator, place: Sequence[float], joints: Skeleton = FULL_42
) -> NDArray[np.float32]:
    """Joints (J, 3) of somebody upright at a place before the camera, metres; every one a little elsewhere."""
    rows = []
    for joint in joints.joints:
        bare = joint.removeprefix("l_").removeprefix("r_").rstrip("123").split("_")
        key = "top" if joint == "head_top" else "jaw" if bare[0] == "jaw" else bare[0]
        x, y = _T_POSE[key]
        rows.append((x if joint.startswith("l_") else -x, y, 0.0))
    return (np.array(rows) + rng.normal(0, 0.02, (len(rows), 3)) + place).astype(np.float32)


def somebody(space: NDArray[np.float32], joints: Skeleton = FULL_42, visibility: int = VISIBLE) -> Person:
    """A person with these joints in space, seen by :data:`CAMERA`."""
    points = CAMERA.project_camera(space)[0].astype(np.float32)
    flags = np.full(len(joints), visibility, np.uint8)
    return Person(
        joints.name, points, flags, joint_boxes(points).astype(np.float32), joints3d=space, body="open"
    )


def picture(seed: int, places: Sequence[Sequence[float]] = PLACES, key: str = "") -> Sample:
    """A picture of noise with people at places."""
    rng = np.random.default_rng(seed)
    people = [somebody(standing(rng, place)) for place in places]
    image = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    return Sample(key or f"p{seed}", WIDTH, HEIGHT, people, image=image, camera=CAMERA)


def anchors_for(joints: Skeleton) -> Anchors:
    """Three anchor poses."""
    rng = np.random.default_rng(0)
    poses = convert(np.stack([standing(rng, (0, 0, 0)) for _ in range(30)]), FULL_42, joints)
    return make_anchors(pose_set(joints, "made", poses, poses[..., :2]), 3)


ANCHORS = {joints.name: anchors_for(joints) for joints in (LCR_13, H36M_17)}


def truth_of(sample: Sample, joints: Skeleton = LCR_13) -> PictureTruth:
    """What evaluation makes of a sample."""
    return picture_truth(sample, ANCHORS[joints.name])


def perfect(sample: Sample, joints: Skeleton = LCR_13, score: float = 0.9) -> Found:
    """Detections without any error, one a person."""
    points = [convert(p.joints2d.astype(float), skeleton(p.skeleton), joints) for p in sample.people]
    space = [convert(p.joints3d.astype(float), skeleton(p.skeleton), joints) for p in sample.people]  # type: ignore[union-attr]
    count = len(points)
    return Found(
        np.array(points).reshape(count, len(joints), 2),
        centre_on_torso(np.array(space).reshape(count, len(joints), 3), joints),
        np.full(count, score),
    )


def only(found: Found, which: object) -> Found:
    """Some of the detections."""
    return Found(found.poses2d[which], found.poses3d[which], found.scores[which])  # type: ignore[index]


def both(one: Found, other: Found) -> Found:
    """The detections of both."""
    return Found(
        *(np.concatenate([getattr(one, n), getattr(other, n)]) for n in ("poses2d", "poses3d", "scores"))
    )


def scored(found: Found, *scores: float) -> Found:
    """With other scores."""
    return replace(found, scores=np.array(scores, float))


@dataclass
class Scripted:
    """A detector that proposes, picture after picture, what it was told."""

    anchors: Anchors
    script: list[Found]
    asked: int = 0

    def proposals(self, image: NDArray[np.uint8]) -> Proposals:
        """The next ones; boxes are around all joints, so that rescoring changes nothing."""
        found = self.script[self.asked]
        self.asked += 1
        boxes = joint_boxes(found.poses2d).reshape(-1, 4)
        return Proposals(boxes, found.poses2d, found.poses3d, found.scores, np.zeros(len(boxes), bool))


def write_corpus(folder: Path, samples: Sequence[Sample]) -> Path:
    """A corpus of one shard."""
    folder.mkdir()
    names = {person.skeleton for sample in samples for person in sample.people}
    entry = write_shard(folder, 0, samples)
    Manifest(
        kind="synth", seed=0, configuration={}, skeletons=describe_skeletons(*sorted(names)), part_taxonomy=None,
        planned_samples=entry.samples, planned_shards=1, shards=[entry],
    ).write(folder / MANIFEST)  # fmt: skip
    return folder


def verdicts(samples: list[Sample], found: list[Found], joints: Skeleton = LCR_13) -> tuple[Verdict, Ledger]:
    """The verdict of several pictures together."""
    ledger = Ledger()
    for sample, one in zip(samples, found, strict=True):
        truth = truth_of(sample, joints)
        ledger.add(
            truth, {"it": judge(truth, one, joints, SIZE), UPPER_BOUND: judge_best(truth, one, joints)}
        )
    return ledger.verdicts()["it"], ledger


def judged(samples: list[Sample], found: list[Found], joints: Skeleton = LCR_13) -> PeopleFigures:
    """The figures of several pictures."""
    verdict, ledger = verdicts(samples, found, joints)
    return figures(verdict, ledger.traits(), joints)


def spoilt(seed: int) -> tuple[list[Sample], list[Found]]:
    """Pictures and detections with every fault: noise, misses, duplicates, false alarms, people who do not count."""
    rng = np.random.default_rng(seed)
    samples, found = [], []
    for i in range(3):
        sample = picture(int(rng.integers(1000)), [PLACES[p] for p in range(rng.integers(1, 4))], f"s{i}")
        for person in sample.people:
            if rng.random() < 0.25:
                person.visibility[:] = HIDDEN
        right = perfect(sample)
        pick = rng.integers(0, len(right.scores), rng.integers(0, 6))
        noise = rng.choice([1.0, 4.0, 15.0], (len(pick), 1, 1))
        poses2d = right.poses2d[pick] + rng.normal(0, 1, (len(pick), 13, 2)) * noise
        poses3d = right.poses3d[pick] + rng.normal(0, 0.05, (len(pick), 13, 3))
        samples.append(sample)
        found.append(Found(poses2d, poses3d, rng.random(len(pick)).round(2)))
    return samples, found
