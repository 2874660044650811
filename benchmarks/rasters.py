"""Images a second of both label rasters on one core: against OpenCV drawing the same, and against memory.

    python benchmarks/rasters.py [--people 64] [--rounds 15]

Skeleton maps (foreground and background) and ellipse part masks (parts and instances) at 224x224 of open bodies in
built-in motions, seen by cameras 3 to 6 m away, each in their own window. OpenCV draws the same sticks with ``cv2.line``
and the same ellipses with ``cv2.ellipse`` in the painter's order of mean depth - it cannot tell which bone is nearer at
a pixel. It is given every advantage: joints are projected, shapes placed and both sorted beforehand, nothing is checked, and
of the ellipses it draws the parts only. (Its lines come out up to a pixel wider.) Both write into fresh memory.

The last columns compare the bytes of the labels written in a second with a copy of as many bytes between two arrays
that are there already, in the same run. Process CPU time, tasks in turn, the median of the rounds.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import platform
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.ellipses import default_constants, plan_for
from posecorpus.core.skeletons import FULL_42
from posecorpus.core.sticks import STICK_ENDS, stick_points
from posecorpus.pseudogt.ellipse_parts.draw import ellipse_masks
from posecorpus.pseudogt.ellipse_parts.place import PLACED, place
from posecorpus.pseudogt.skeleton_maps.maps import skeleton_maps
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.builtin import builtin_clip

SIZE = 224
SHIFT = 4
"""Fractional bits of OpenCV's coordinates."""

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def people(count: int) -> tuple[Array, Array, Array]:
    """Joints (N, 42, 3) in the camera frame, (N, 42, 2) in pixels of a 224x224 window, and its K (N, 3, 3)."""
    rng = np.random.default_rng(0)
    body = load_body("open", "neutral")
    joints3d, joints2d, intrinsics = [], [], []
    for i in range(count):
        clip = builtin_clip(i, 0)
        frame = int(rng.integers(len(clip.poses)))
        place_ = np.zeros((1, 3), np.float32)
        betas = np.zeros((1, body.num_betas), np.float32)
        world = pose_body(body, betas, clip.poses[frame : frame + 1], place_).landmarks[0].astype(float)
        turn, away = rng.uniform(0, 2 * np.pi), rng.uniform(3, 6)
        middle = world.mean(0)
        eye = middle + away * np.array([np.cos(turn), 0.1, np.sin(turn)])
        camera = Camera.look_at(eye, middle, 1000, 640, 480)
        seen, _ = camera.project(world)
        low, high = seen.min(0), seen.max(0)
        side = 1.25 * (high - low).max()
        corner = (low + high - side) / 2
        K = np.diag([SIZE / side, SIZE / side, 1]) @ camera.crop(*corner, 1, 1).K
        joints3d.append(camera.to_camera(world))
        joints2d.append((seen - corner) * SIZE / side)
        intrinsics.append(K)
    return np.stack(joints3d), np.stack(joints2d), np.stack(intrinsics)


def fixed_point(pixels: Array) -> Ints:
    """Our pixels to OpenCV's: centres are whole numbers, in units of 1 / 2^SHIFT."""
    return np.asarray(np.round((pixels - 0.5) * 2**SHIFT), np.int64)


def lines(ends: list[list[list[int]]], order: list[list[int]], width: int) -> tuple[NDArray[np.uint8], ...]:
    """Both maps of people whose projected points (N, 16, 2) and order of sticks, far to near, are given."""
    maps = tuple(np.zeros((len(ends), SIZE, SIZE), np.uint8) for _ in range(2))
    sticks = STICK_ENDS.tolist()
    for i, (points, far_to_near) in enumerate(zip(ends, order, strict=True)):
        for drawn, sequence in zip(maps, (far_to_near, far_to_near[::-1]), strict=True):
            image = drawn[i]
            for stick in sequence:
                a, b = sticks[stick]
                cv2.line(image, points[a], points[b], stick + 1, width, cv2.LINE_8, SHIFT)
    return maps


def ellipses(shapes: list[list[tuple[tuple[int, int], tuple[int, int], float, int]]]) -> NDArray[np.uint8]:
    """Part masks of people whose shapes are given far to near: centre, axes, angle, label."""
    masks = np.zeros((len(shapes), SIZE, SIZE), np.uint8)
    for image, person in zip(masks, shapes, strict=True):
        for centre, axes, angle, label in person:
            cv2.ellipse(image, centre, axes, angle, 0, 360, label, -1, cv2.LINE_8, SHIFT)
    return masks


def placed_for_opencv(joints2d: Array, joints3d: Array, plan: object) -> list[list[tuple[object, ...]]]:
    """The shapes of an ellipse plan as :func:`ellipses` takes them."""
    placed, summary = np.empty((len(joints2d), len(plan.labels), PLACED)), np.empty((len(joints2d), 3))
    place(
        joints2d, joints3d, True, plan.points, plan.ends, plan.measures, plan.references, plan.proportions,
        placed, summary,
    )  # fmt: skip
    result = []
    for person in placed:
        shapes = []
        for s in np.argsort(-person[:, 6]):
            x, y, ux, uy, along, across = person[s, :6]
            if along > 0:
                centre, axes = fixed_point(np.array([x, y])), np.round(np.array([along, across]) * 2**SHIFT)
                angle = float(np.degrees(np.arctan2(uy, ux)))
                shapes.append(
                    (tuple(centre.tolist()), tuple(axes.astype(int).tolist()), angle, int(plan.labels[s]))
                )
        result.append(shapes)
    return result


def seconds(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each task, taken in turn."""
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(rounds):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            spent[name].append(time.process_time() - start)
    return {name: float(np.median(values)) for name, values in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    count = options.people
    joints3d, joints2d, K = people(count)
    window = np.array([0.0, 0, SIZE, SIZE])
    points = stick_points(joints3d, FULL_42)
    far_to_near = np.argsort(-points[:, STICK_ENDS, 2].mean(-1), axis=1).tolist()
    projected = fixed_point(stick_points(joints2d, FULL_42)).tolist()
    tasks: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {}
    for width in (3, 5, 7, 15):
        ours = partial(skeleton_maps, joints3d, K, FULL_42, window, SIZE, float(width))
        theirs = partial(lines, projected, far_to_near, width)
        agree(f"{width} px", ours()[0], theirs()[0])
        tasks[f"skeleton maps, {width} px"] = ours, theirs
    for taxonomy in ("h36m_25", "surreal_14"):
        plan = plan_for(default_constants(taxonomy), FULL_42.name)
        shapes = placed_for_opencv(joints2d, joints3d, plan)
        ours = partial(ellipse_masks, joints2d, joints3d, plan, SIZE, SIZE)
        theirs = partial(ellipses, shapes)
        agree(taxonomy, ours(), theirs())
        tasks[f"ellipse parts, {taxonomy}"] = ours, theirs
    bytes_written = 2 * count * SIZE * SIZE
    source, target = (np.zeros(bytes_written, np.uint8) for _ in range(2))
    flat = {
        f"{name}/{who}": task for name, pair in tasks.items() for who, task in zip("oc", pair, strict=True)
    }
    took = seconds(flat | {"copy": partial(np.copyto, target, source)}, options.rounds)
    copied = bytes_written / took["copy"] / 1e9
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, {count} people")
    print(
        f"{'images/s, 224x224, one core':30}{'ours':>9}{'OpenCV':>9}{'ratio':>8}{'GB/s':>8}{'of a copy':>11}"
    )
    for name in tasks:
        mine, other = count / took[f"{name}/o"], count / took[f"{name}/c"]
        written = 2 * SIZE * SIZE * mine / 1e9
        print(f"{name:30}{mine:9.0f}{other:9.0f}{mine / other:7.1f}x{written:8.2f}{written / copied:11.0%}")
    print(f"copy: {copied:.1f} GB/s")


def agree(name: str, ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    """The two draw the same: what one covers is covered by the other, or touches it (OpenCV's lines are fatter)."""
    for covered, other in ((ours > 0, theirs > 0), (theirs > 0, ours > 0)):
        near = (
            np.stack([cv2.dilate(image.astype(np.uint8), np.ones((3, 3), np.uint8)) for image in other]) > 0
        )
        alone = (covered & ~near).sum() / covered.sum()
        assert alone < 0.01, f"{name}: {alone:.1%} of the pixels of one are away from the other's"


if __name__ == "__main__":
    main()
