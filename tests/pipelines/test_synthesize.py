"""The synth command as a whole: same bytes however it is run, and one line for every mistake."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.sample import VISIBLE
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import FULL_42
from posecorpus.pipelines.engine import local_engine
from posecorpus.pipelines.inputs import UnusableInputs, prepare_motions
from posecorpus.pipelines.synthesis.request import SynthRequest, clips_and_frames
from posecorpus.pipelines.synthesis.synthesize import synthesize
from posecorpus.synth.config import SynthConfig, load_config


def small(**output: int) -> SynthConfig:
    """SURREAL's preset at a quarter of its size, in small shards."""
    data = load_config("surreal").resized(80, 60).model_dump()
    return SynthConfig.model_validate(data | {"output": {"samples_per_shard": 4} | output})


def request(**changes: object) -> SynthRequest:
    return SynthRequest(**({"config": small(), "seed": 5, "clips": 14} | changes))  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus") / "stills"
    synthesize(request(), out)
    return out


def test_a_corpus_holds_every_label(corpus: Path) -> None:
    samples = list(Corpus(corpus))
    assert len(samples) == 14
    assert Corpus(corpus).manifest.complete
    assert len({s.key for s in samples}) == 14
    assert len({s.people[0].motion for s in samples}) > 5
    assert len({s.people[0].gender for s in samples}) == 3
    for sample in samples:
        for name in ("image", "parts", "instances", "depth_mm", "normals", "flow", "camera"):
            assert getattr(sample, name) is not None
        person = sample.people[0]
        assert person.skeleton == FULL_42.name
        assert (person.visibility == VISIBLE).sum() >= 10
        assert 0.01 < (sample.instances > 0).mean() < 0.5
        assert np.abs(person.betas).max() <= 2


def test_the_same_bytes_for_two_workers(corpus: Path, tmp_path: Path) -> None:
    synthesize(request(), tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == contents(corpus)


@pytest.mark.parametrize("shared", [True, False])
def test_pieces_put_together_are_the_same_bytes(corpus: Path, tmp_path: Path, shared: bool) -> None:
    whole = tmp_path / "whole"
    for i in (3, 1, 2):
        out = whole if shared else tmp_path / f"piece-{i}"
        synthesize(request(), out, piece=(i, 3))
        if not shared:  # another machine's folder, copied over afterwards
            whole.mkdir(exist_ok=True)
            for file in out.iterdir():
                file.rename(whole / file.name)
    if not shared:
        synthesize(request(), whole)
    assert contents(whole) == contents(corpus)


def test_another_seed_gives_another_corpus(corpus: Path, tmp_path: Path) -> None:
    synthesize(request(seed=6), tmp_path / "six")
    mine, other = (Corpus(path)[0] for path in (corpus, tmp_path / "six"))
    assert mine.people[0].pose is not None
    assert not np.array_equal(mine.people[0].pose, other.people[0].pose)
    assert mine.image is not None
    assert (mine.image != other.image).mean() > 0.5


def test_a_finished_corpus_is_left_as_it_is(corpus: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in corpus.glob("*.parquet")}
    synthesize(request(), corpus)
    assert {p.name: p.stat().st_mtime_ns for p in corpus.glob("*.parquet")} == before


def test_clips_follow_the_motion(tmp_path: Path) -> None:
    synthesize(request(clips=3, frames=6), tmp_path / "clips")
    samples = list(Corpus(tmp_path / "clips"))
    assert [(s.clip, s.frame) for s in samples] == [(f"{c:06d}", t) for c in range(3) for t in range(6)]
    for now, after in pairwise(samples):
        if now.clip != after.clip:
            continue
        assert after.people[0].motion_frame == now.people[0].motion_frame + 1
        np.testing.assert_array_equal(now.people[0].betas, after.people[0].betas)
        np.testing.assert_array_equal(now.camera.K, after.camera.K)  # type: ignore[union-attr]
        background = (now.instances == 0) & (after.instances == 0)
        difference = now.image[background].astype(int) - after.image[background]  # type: ignore[index]
        assert np.median(np.abs(difference)) <= 1  # static background, but for JPEG


COMMAND = [sys.executable, "-m", "posecorpus.pipelines.cli", "synth"]
OPTIONS = ["--samples", "14", "--seed", "5", "--workers", "2"]


@pytest.mark.parametrize(("how", "moments"), [(signal.SIGKILL, (0, 1, 2)), (signal.SIGINT, (1,))])
def test_killed_at_any_moment_and_run_again(
    corpus: Path, tmp_path: Path, how: signal.Signals, moments: tuple[int, ...]
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text("image: {size: [80, 60], focal_px: 150}\noutput: {samples_per_shard: 4}\n")
    out = tmp_path / "killed"
    command = [*COMMAND, str(out), *OPTIONS, "--config", str(config)]
    for shards in moments:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(out.glob("shard-*.parquet"))) >= shards and (out / MANIFEST).exists():
                break
            time.sleep(0.001)
        process.send_signal(how)
        process.communicate(timeout=60)
        assert process.returncode in ((-how, 0) if how is signal.SIGKILL else (130, 0))
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(out / MANIFEST)
    assert contents(out) == contents(corpus)


def test_bad_motions_stop_the_run_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.bvh").write_text("HIERARCHY\nROOT Hips\n{\n OFFSET 0 0\n")
    (tmp_path / "in" / "also.bvh").write_text("nonsense")
    out = tmp_path / "out"
    with pytest.raises(UnusableInputs) as caught:
        synthesize(request(motions=(tmp_path / "in",)), out)
    assert len(caught.value.lines) == 2
    assert "also.bvh:1: expected a BVH file" in caught.value.lines[0]
    assert "broken.bvh: expected a MOTION section" in caught.value.lines[1]
    assert not out.exists()


def test_bad_motions_can_be_skipped_and_are_listed(tmp_path: Path, data: Path) -> None:
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nROOT Hips\n{\n OFFSET 0 0\n")
    good = data / "mocap" / "bandai_namco_1.zip"
    synthesize(request(motions=(tmp_path / "broken.bvh", good), skip_bad=True), tmp_path / "out")
    manifest = Corpus(tmp_path / "out").manifest
    assert [Path(s.where.split(":")[0]).name for s in manifest.skipped] == ["broken.bvh"]
    assert sum(name.startswith("bandai_namco_1.zip!") for name in manifest.inputs) == 59
    assert manifest.complete


def test_photos_as_backgrounds(tmp_path: Path, data: Path) -> None:
    synthesize(request(backgrounds=data / "backgrounds" / "skimage"), tmp_path / "out")
    names = {s.provenance["background"] for s in Corpus(tmp_path / "out").samples([])}
    assert len(names) >= 3
    assert all(name.endswith(".png") for name in names)


def test_requests_that_cannot_be_met(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match="--frames: expected clips of at most 3555 frames"):
        synthesize(request(frames=100_000, clips=1), tmp_path / "long")
    loops = data / "mocap" / "bandai_namco_1.zip"
    with pytest.raises(InputError, match="clip of 100001 frames at 30 fps"):
        synthesize(request(frames=100_000, clips=1, motions=(loops,)), tmp_path / "long")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"motion files .* got none"):
        synthesize(request(motions=(tmp_path / "empty",)), tmp_path / "none")
    with pytest.raises(InputError, match="either --samples or --clips"):
        clips_and_frames(5, 5, None)
    with pytest.raises(InputError, match="--frames"):
        clips_and_frames(5, None, 7)
    assert clips_and_frames(None, None, None) == (200, 1)
    assert clips_and_frames(None, 4, None) == (4, 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "3"], "--size: expected WIDTHxHEIGHT"),
        (["--shard", "3/2"], "--shard: expected i/n"),
        (["--preset", "none"], "--preset: expected one of"),
        (["--motions", "/nowhere"], "/nowhere"),
        (["--body", "/nowhere.pkl"], "/nowhere.pkl"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(tmp_path: Path, options: list[str], message: str) -> None:
    done = subprocess.run([*COMMAND, str(tmp_path / "out"), *options], capture_output=True, text=True)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("posecorpus: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_the_user_states_about_files_is_used(tmp_path: Path, data: Path) -> None:
    member = "cmu_bvh.zip"
    config = tmp_path / "stated.yaml"
    config.write_text("motion:\n  readings: [{pattern: '*', fps: 60}]\n")
    told = SynthRequest(load_config("surreal", config).resized(80, 60), seed=0, clips=1)
    lengths = []
    for settings in (small().motion, told.config.motion):
        with local_engine(2) as run:
            motions = prepare_motions(
                [data / "mocap" / member], settings, 0, builtin_count=0, frames=2, skip_bad=True, run=run
            )
        lengths.append({m.name: len(m.poses) for m in motions.clips})
    fast = [name for name in lengths[0] if lengths[0][name] < 0.6 * lengths[1][name]]
    assert len(fast) > 20  # captured at 120 frames a second, stated to be 60: twice as long
