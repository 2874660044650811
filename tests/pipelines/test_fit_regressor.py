"""``fit-regressor`` and ``synth --skeleton-regressor``: from pairs to people who carry another rig's joints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.sample import HIDDEN, VISIBLE
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import COCO_17, FULL_42, H36M_17, SMPL_24, convert
from posecorpus.inspect.verify.run import verify_corpus
from posecorpus.pipelines.cli import app
from posecorpus.pipelines.labelling.fit_regressor import fit_regressor_file
from posecorpus.pipelines.synthesis import synthesize as synthesis
from posecorpus.pipelines.synthesis.corpus_poses import read_poses
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import SynthConfig, load_config
from posecorpus.synth.regressors.regressor import JointRegressor, load_regressor


def request(regressor: JointRegressor | None, **changes: object) -> SynthRequest:
    data = load_config("surreal").resized(160, 120).model_dump()
    config = SynthConfig.model_validate(data | {"output": {"samples_per_shard": 6}})
    return SynthRequest(**({"config": config, "seed": 3, "clips": 6, "regressor": regressor} | changes))  # type: ignore[arg-type]


@pytest.fixture(autouse=True, scope="module")
def few_motions() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthesis, "BUILTIN_CLIPS", 15)
        yield


@pytest.fixture(scope="module")
def landmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("landmarks") / "corpus"
    synthesize(request(None), out)
    return out


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clicks") / "corpus"
    synthesize(request(load_regressor("coco-clicks")), out)
    return out


def test_people_carry_the_regressed_joints(landmarks: Path, clicks: Path) -> None:
    """The same people otherwise: regressed from the full landmarks of a corpus made without."""
    regressor = load_regressor("coco-clicks")
    for full, coco in zip(Corpus(landmarks), Corpus(clicks), strict=True):
        assert full.image is not None and coco.image is not None and coco.camera is not None
        np.testing.assert_array_equal(full.image, coco.image)
        (whole,), (clicked,) = full.people, coco.people
        assert clicked.skeleton == "coco_17"
        assert whole.joints3d is not None and clicked.joints3d is not None
        np.testing.assert_allclose(clicked.joints3d, regressor.of_body(whole.joints3d), atol=2e-6)
        seen = coco.camera.project_camera(clicked.joints3d.astype(np.float64))[0]
        np.testing.assert_allclose(clicked.joints2d, seen, atol=1e-3)
        np.testing.assert_array_equal(clicked.pose, whole.pose)
        same = [j for j in range(17) if not COCO_17.joints[j].endswith(("hip", "shoulder"))]
        ours = clicked.visibility[same]
        np.testing.assert_array_equal(ours, whole.visibility[FULL_42.indices(*COCO_17.joints)][same])
        assert set(clicked.visibility) <= {HIDDEN, VISIBLE}
    manifest = Corpus(clicks).manifest
    assert manifest.configuration["skeleton_regressor"] == regressor.as_json()
    assert "coco_17" in manifest.skeletons
    assert b"skeleton_regressor" not in (landmarks / MANIFEST).read_bytes()


def test_verify_regresses_again(clicks: Path, tmp_path: Path) -> None:
    report = verify_corpus(clicks)
    assert report.violations == []
    assert report.checked["body"] == 6
    manifest = Corpus(clicks).manifest
    samples = list(Corpus(clicks))
    joints3d = samples[2].people[0].joints3d
    assert joints3d is not None and samples[2].camera is not None
    joints3d[COCO_17.index("l_hip"), 1] += 0.005  # 5 mm, and its pixel with it
    samples[2].people[0].joints2d = (
        samples[2].camera.project_camera(joints3d.astype(float))[0].astype(np.float32)
    )
    tmp_path.joinpath("moved").mkdir()
    entry = write_shard(tmp_path / "moved", 0, samples)
    manifest.model_copy(update={"shards": [entry]}).write(tmp_path / "moved" / MANIFEST)
    found = [v for v in verify_corpus(tmp_path / "moved").violations if v.check == "body"]
    assert len(found) == 1
    assert "l_hip 5 mm off the posed body" in found[0].message


def test_verify_says_so_if_the_regressor_is_broken(clicks: Path, tmp_path: Path) -> None:
    manifest = Corpus(clicks).manifest
    broken = manifest.configuration | {"skeleton_regressor": {"weights": []}}
    for shard in Corpus(clicks).shards:
        (tmp_path / shard.name).write_bytes(shard.read_bytes())
    manifest.model_copy(update={"configuration": broken}).write(tmp_path / MANIFEST)
    found = verify_corpus(tmp_path).violations
    assert len(found) == 6
    assert all("cannot be regressed again" in v.message for v in found)


def test_a_clip_of_regressed_people_verifies(tmp_path: Path) -> None:
    """Regressed bones change their length as people move; that is no fault."""
    synthesize(request(load_regressor("coco-clicks"), clips=1, frames=4), tmp_path / "clip")
    assert verify_corpus(tmp_path / "clip").violations == []


def write_pairs(path: Path, corpus: Path) -> None:
    """As docs/regressor_pairs.py does."""
    bodies = np.repeat(read_poses(Corpus(corpus), 10**6)["full_42"], 5, 0).astype(np.float64)
    bodies += np.random.default_rng(0).normal(0, 0.01, bodies.shape)
    np.savez(path, source=convert(bodies, FULL_42, SMPL_24), target=convert(bodies, FULL_42, H36M_17))


def test_from_pairs_to_a_corpus(landmarks: Path, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.npz", landmarks)
    out = tmp_path / "h36m.json"
    run = ["fit-regressor", str(out), "--from", "smpl_24", "--to", "h36m_17", "--pairs"]
    result = CliRunner().invoke(app, [*run, str(tmp_path / "pairs.npz")])
    assert result.exit_code == 0, result.output
    assert "30 poses in 5 folds" in result.output
    stored = json.loads(out.read_text())
    assert stored["pairs"]["sha256"] == hashlib.sha256((tmp_path / "pairs.npz").read_bytes()).hexdigest()
    assert stored["joints"]["neck"]["before"] is None
    assert 0 < stored["joints"]["l_hip"]["after"] < stored["joints"]["l_hip"]["before"]
    first = out.read_bytes()
    fit_regressor_file(tmp_path / "pairs.npz", out, source="smpl", target="h36m")
    assert out.read_bytes() == first
    synthesize(request(load_regressor(str(out)), clips=2), tmp_path / "corpus")
    assert {p.skeleton for s in Corpus(tmp_path / "corpus") for p in s.people} == {"h36m_17"}
    assert verify_corpus(tmp_path / "corpus").violations == []


def test_mistakes_are_one_line(tmp_path: Path, landmarks: Path) -> None:
    write_pairs(tmp_path / "pairs.npz", landmarks)
    with pytest.raises(InputError, match="skeleton"):
        fit_regressor_file(tmp_path / "pairs.npz", tmp_path / "x.json", source="smplx", target="h36m_17")
    with pytest.raises(InputError, match="can be written"):
        fit_regressor_file(
            tmp_path / "pairs.npz", tmp_path / "no" / "x.json", source="smpl_24", target="h36m_17"
        )
