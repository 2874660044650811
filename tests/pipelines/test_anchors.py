"""The command ``anchors``: whose poses it takes, how they are turned, and what it says of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from posecorpus.anchors.bank import load_anchors
from posecorpus.anchors.boxes import joint_boxes
from posecorpus.anchors.quality import coverage
from posecorpus.core.errors import InputError
from posecorpus.core.metrics import centre_on_torso
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import FULL_42, LCR_13, convert
from posecorpus.pipelines.anchoring.cluster import AnchorsRequest, cluster_anchors
from posecorpus.pipelines.anchoring.corpus_people import corpus_people
from posecorpus.pipelines.anchoring.motion_people import ELEVATION_DEG, motion_people
from posecorpus.pipelines.cli import app
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.builtin import builtin_clip


def test_everybody_of_a_corpus_as_samples_tell(renders: Path) -> None:
    poses = corpus_people(Corpus(renders), LCR_13)
    people = [person for sample in Corpus(renders).samples(()) for person in sample.people]
    assert len(poses) == len(people) == 8
    for i, person in enumerate(people):
        joints = convert(person.joints3d, FULL_42, LCR_13)
        np.testing.assert_allclose(poses.joints3d[i], centre_on_torso(joints, LCR_13), atol=1e-6)
        pixels = convert(person.joints2d, FULL_42, LCR_13).astype(float)
        x0, y0, x1, y1 = joint_boxes(pixels)
        np.testing.assert_allclose(poses.joints2d[i], (pixels - [x0, y0]) / [x1 - x0, y1 - y0], atol=1e-5)


def test_motions_are_seen_upright_from_all_around() -> None:
    motion = builtin_clip(0, seed=1, seconds=1.0)
    poses = motion_people([motion], LCR_13, views=8, seed=0)
    world = convert(clip_landmarks(motion, load_body("open", "neutral")).astype(float), FULL_42, LCR_13)
    assert len(poses) == 8 * len(world)
    seen = poses.joints3d.reshape(len(world), 8, 13, 3).astype(float)
    world = centre_on_torso(world, LCR_13)
    for t in range(0, len(world), 7):
        for view in seen[t]:
            # A rotation, det +1, of a camera without roll: its x axis is level.
            u, _, v = np.linalg.svd(view.T @ world[t])
            turn = u @ v
            np.testing.assert_allclose(world[t] @ turn.T, view, atol=1e-5)
            assert np.linalg.det(turn) == pytest.approx(1)
            assert turn[0, 1] == pytest.approx(0, abs=1e-5)
            elevation = np.degrees(np.arcsin(-turn[2, 1]))
            assert ELEVATION_DEG[0] - 0.01 <= elevation <= ELEVATION_DEG[1] + 0.01
    # Orthographic: the picture is x and y.
    boxes = joint_boxes(seen[0, 0, :, :2])
    expected = (seen[0, 0, :, :2] - boxes[:2]) / (boxes[2:] - boxes[:2])
    np.testing.assert_allclose(poses.joints2d[0], expected, atol=1e-5)


def test_what_is_said_is_what_is_kept(renders: Path, tmp_path: Path) -> None:
    request = AnchorsRequest(
        corpora=(str(renders),), clusters=3, upper_body=True, held_out=str(renders), seed=4
    )
    made = cluster_anchors(request, tmp_path / "a.npz")
    again = load_anchors(tmp_path / "a.npz")
    assert (len(again), again.classes, made.poses) == (3, 6, 8)
    assert made.held_out == coverage(corpus_people(Corpus(renders), LCR_13), again)
    told = json.loads((tmp_path / "a.quality.json").read_text())
    assert [k for k, _ in told["elbow"]] == [1, 3, 6]
    inertia = [value for _, value in told["elbow"]]
    assert inertia == sorted(inertia, reverse=True)
    cluster_anchors(request, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_command_and_its_mistakes(renders: Path, annotated: Path, tmp_path: Path) -> None:
    run, out = CliRunner(), str(tmp_path / "a.npz")
    done = run.invoke(app, ["anchors", out, "--corpus", str(renders), "--k", "2"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == out

    def refused(match: str, *arguments: str) -> None:
        failed = run.invoke(app, ["anchors", *arguments])
        assert isinstance(failed.exception, InputError)
        assert match in str(failed.exception)

    refused("as many different ones", out, "--corpus", str(renders), "--k", "9")
    refused("people with all joints of lcr_13 in 2D and 3D", out, "--corpus", str(annotated))
    refused("ends in .npz", str(tmp_path / "a"), "--corpus", str(renders))
    refused("--corpus or --motions", out, "--corpus", str(renders), "--motions", str(tmp_path))
    refused("one of smpl_24", out, "--corpus", str(renders), "--skeleton", "lcr_14")
