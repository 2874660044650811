"""``synth --balance``: what is read of the reference, that draws follow the table, and that nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.sample import Person, Sample
from posecorpus.core.schema import SCHEMA
from posecorpus.core.seeds import generator
from posecorpus.core.shards import Corpus, write_shard
from posecorpus.core.skeletons import H36M_17, LSP_14
from posecorpus.pipelines.synthesis import synthesize as synthesis
from posecorpus.pipelines.synthesis.balancing import Balance, BalanceDraws, open_reference, plan_balance
from posecorpus.pipelines.synthesis.clips import draw_clip
from posecorpus.pipelines.synthesis.corpus_poses import LEVEL, read_poses, whole_poses
from posecorpus.pipelines.synthesis.request import SynthRequest
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.balance.starts import running_sum
from posecorpus.synth.builtin import builtin_clip
from posecorpus.synth.config import SynthConfig, load_config
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.sampling import ClipDraw
from posecorpus.synth.store import MotionStore, write_store


@pytest.fixture(scope="module")
def motions() -> list[BodyMotion]:
    return [builtin_clip(i, seed=2) for i in range(12)]


def small() -> SynthConfig:
    data = load_config("surreal").resized(80, 60).model_dump()
    return SynthConfig.model_validate(data | {"output": {"samples_per_shard": 4}})


def test_poses_are_read_as_the_samples_hold_them(renders: Path) -> None:
    corpus = Corpus(renders)
    expected = []
    for sample in corpus.samples(()):
        assert sample.camera is not None
        for person in sample.people:
            assert person.joints3d is not None
            expected.append(person.joints3d @ sample.camera.R)
    found = read_poses(corpus, 10**6)
    assert list(found) == ["full_42"]
    np.testing.assert_allclose(found["full_42"], np.array(expected), atol=1e-6)
    assert len(read_poses(corpus, 4)["full_42"]) == 2 + 2 + 1  # every second of shards of 3, 3 and 2


def handmade(folder: Path, people: list[Person], corpus: Path) -> Corpus:
    """A corpus of one sample without a camera."""
    folder.mkdir()
    sample = Sample(key="one", width=64, height=64, people=people)
    manifest = Corpus(corpus).manifest
    entry = write_shard(folder, 0, [sample])
    manifest.model_copy(update={"shards": [entry], "planned_samples": 1, "planned_shards": 1}).write(
        folder / MANIFEST
    )
    return Corpus(folder)


def person(name: str, joints3d: np.ndarray | None, count: int) -> Person:
    return Person(
        skeleton=name,
        joints2d=np.full((count, 2), np.nan, np.float32),
        visibility=np.zeros(count, np.uint8),
        bbox=np.zeros(4, np.float32),
        joints3d=joints3d,
    )


def test_people_without_whole_3d_are_passed_over(renders: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lsp, h36m = (rng.normal(size=(n, 3)).astype(np.float32) for n in (len(LSP_14), len(H36M_17)))
    broken = lsp.copy()
    broken[3, 1] = np.nan
    people = [
        person("lsp_14", lsp, 14),
        person("lsp_14", None, 14),
        person("h36m_17", h36m, 17),
        person("lsp_14", broken, 14),
    ]
    found = read_poses(handmade(tmp_path / "mixed", people, renders), 100)
    assert list(found) == ["h36m_17", "lsp_14"]
    np.testing.assert_allclose(found["lsp_14"], lsp[None] @ LEVEL, atol=1e-6)
    np.testing.assert_allclose(found["h36m_17"], h36m[None] @ LEVEL, atol=1e-6)
    with pytest.raises(InputError, match="people in 3D"):
        read_poses(handmade(tmp_path / "flat", people[1:2], renders), 100)


def planned(reference: Path, motions: list[BodyMotion], frames: int = 1, people: int = 300) -> Balance:
    draws = BalanceDraws(people=people, frames=frames, weighting="frame", mirror=True, seed=1)
    return plan_balance(Corpus(reference), motions, draws, 5)


def test_balance_spreads_poses_more_evenly(renders: Path, motions: list[BodyMotion]) -> None:
    uneven = motions[:1] * 40 + motions[1:]
    balance = planned(renders, uneven)
    assert balance.before.poses == 8
    assert balance.plain.poses == balance.after.poses == 308
    assert balance.after.cells > 1.2 * balance.plain.cells > 1.2 * balance.before.cells
    assert balance.after.nearest_mm < balance.plain.nearest_mm < balance.before.nearest_mm
    assert len(balance.starts) == sum(len(m.poses) for m in uneven)
    again = planned(renders, uneven)
    np.testing.assert_array_equal(again.starts, balance.starts)
    assert again.as_json() == balance.as_json()
    assert json.loads(json.dumps(balance.as_json())) == balance.as_json()
    assert "within 50 mm" in balance.notes()[0]


def test_a_pose_the_reference_is_full_of_is_hardly_drawn(
    tmp_path: Path, renders: Path, motions: list[BodyMotion]
) -> None:
    """The reference is one motion's middle, over and over: its weight per frame falls below the others'."""
    from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
    from posecorpus.synth.bodies.model import load_body

    # Cameras are missing, so they are taken for level: the world is turned to look like one's frame.
    joints = clip_landmarks(motions[3], load_body("open", "neutral")) @ LEVEL.astype(np.float32)
    people = [person("full_42", pose, 42) for pose in joints for _ in range(20)]
    balance = planned(handmade(tmp_path / "one", people, renders).path, motions)
    weights = np.diff(balance.starts, prepend=0.0)
    ends = np.cumsum([len(m.poses) for m in motions])
    own = weights[ends[2] : ends[3]].mean()
    assert own < 0.05 * weights.mean()


def test_clips_start_as_the_table_says(tmp_path: Path, motions: list[BodyMotion]) -> None:
    lengths = np.array([len(m.poses) for m in motions])
    weights = np.zeros(lengths.sum())
    weights[lengths[0] + 7] = 1.0  # one frame of the second motion
    write_store(tmp_path / "plan", motions, running_sum(weights, lengths, 3))
    store = MotionStore(tmp_path / "plan")
    drawn = {draw_clip(small(), 1, store.lengths, i, 3, p, store.starts) for i in range(40) for p in (0, 1)}
    found = {(number, clip.start) for number, clip in drawn}
    assert found == {(1, 5), (1, 6), (1, 7)}  # the clips of three frames that show it
    assert {clip.index for _, clip in drawn} == set(range(40))
    write_store(tmp_path / "plan", motions)
    assert MotionStore(tmp_path / "plan").starts is None


def test_motions_are_picked_as_numpy_would() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 37)
    starts = np.maximum(lengths - 4, 0)
    for index in range(200):
        for weighting, weights in (("clip", starts > 0), ("frame", starts)):
            config = load_config("surreal", sections={"motion": {"weighting": weighting}})
            rng = generator(9, "plan", index)
            number = rng.choice(len(lengths), p=weights / weights.sum())
            expected = ClipDraw(index, int(rng.integers(starts[number])), 4)
            assert draw_clip(config, 9, lengths, index, 4) == (number, expected)


def test_a_balanced_corpus(renders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "BUILTIN_CLIPS", 15)
    request = SynthRequest(config=small(), seed=5, clips=4, balance=renders, balance_k=4)
    lines: list[str] = []
    synthesize(request, tmp_path / "one", note=lines.append)
    synthesize(request, tmp_path / "two", workers=2)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one == two
    manifest = Corpus(tmp_path / "one").manifest
    assert manifest.configuration["balance"] == {"k": 4}
    assert "balance reference" in manifest.inputs
    assert manifest.balance is not None
    assert manifest.balance["after"]["poses"] == 8 + 4
    assert any("drawn balanced" in line for line in lines)
    plain = SynthRequest(config=small(), seed=5, clips=4)
    with pytest.raises(InputError, match="balance"):
        synthesize(plain, tmp_path / "one")
    synthesize(plain, tmp_path / "plain")
    assert b'"balance' not in (tmp_path / "plain" / MANIFEST).read_bytes()
    poses = [[s.people[0].pose for s in Corpus(tmp_path / n).samples(())] for n in ("one", "plain")]
    assert not np.array_equal(*poses)


def test_what_is_null_inside_a_pose_leaves_it_out() -> None:
    """Only a hand-made shard can hold such people; numbers must not move to other joints."""
    whole = [[float(j), 0.0, 1.0] for j in range(14)]
    people = [
        {"skeleton": "lsp_14", "joints3d": pose}
        for pose in (whole, [*whole[:-1], None], [*whole[:-1], [1.0, None, 2.0]], whole[:-1], None)
    ]
    columns = {"people": [[person] for person in people], "camera": [None] * len(people)}
    fields = [
        pa.field("people", SCHEMA.field("people").type),
        pa.field("camera", SCHEMA.field("camera").type),
    ]
    for rows, expected in ((slice(0, 1), 1), (slice(2, None), 0), (slice(1, 2), 0)):
        part = {name: values[rows] for name, values in columns.items()}
        found = list(whole_poses(pa.RecordBatch.from_pydict(part, schema=pa.schema(fields)), 1))
        assert sum(len(joints) for _, joints in found) == expected
    unknown = {"people": [[{"skeleton": "squid_8", "joints3d": whole}], None], "camera": [None, None]}
    assert list(whole_poses(pa.RecordBatch.from_pydict(unknown, schema=pa.schema(fields)), 1)) == []


def test_a_reference_must_be_finished(renders: Path, tmp_path: Path) -> None:
    manifest = Corpus(renders).manifest
    manifest.model_copy(update={"shards": manifest.shards[:1]}).write(tmp_path / MANIFEST)
    with pytest.raises(InputError, match="a finished corpus, got 1 of 3 shards"):
        open_reference(tmp_path)


def test_a_reference_must_be_a_corpus(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest"):
        synthesize(SynthRequest(config=small(), seed=5, clips=2, balance=tmp_path), tmp_path / "out")
    assert not (tmp_path / "out" / MANIFEST).exists()
