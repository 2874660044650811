"""`posecorpus library`: what it writes, that it goes on where it was, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42, LSP_14, SMPL_24
from posecorpus.pipelines.lifting import build_library
from posecorpus.pipelines.lifting.build_library import LibraryRequest, build
from posecorpus.pipelines.lifting.library_plan import ASIDE
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks, collection_of
from posecorpus.pseudogt.library.files import LibraryInfo, open_library, read_info
from posecorpus.pseudogt.library.gains import Gains
from posecorpus.pseudogt.library.heading import torso_centred
from posecorpus.pseudogt.lift.trust import TRUST, TrustModel
from posecorpus.pseudogt.lift.trust_calibrate import calibrate
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.builtin import builtin_clip
from posecorpus.synth.mocap.resample import resample

SMALL = LibraryRequest(views=6, spacing_mm=12.0, seed=3, fps=15.0)


@pytest.fixture(scope="module", autouse=True)
def few_motions() -> None:
    """Six built-in motions are enough; calibration has its own tests, and one here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_library, "BUILTIN_CLIPS", 6)
        patch.setattr(build_library, "calibrate", lambda *_, **__: TrustModel({}, {"note": "not asked"}))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("library") / "lib"
    assert build(SMALL, out) == out / "library.json"
    return out


class Stopped(Exception):
    """Stands for a killed process."""


def _stop(*_: object, **__: object) -> None:
    raise Stopped


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_poses_are_those_of_the_motions(made: Path) -> None:
    library = open_library(made)
    assert library.views == 6 and not library.mirrored.any()
    assert {clip.subject for clip in library.clips} <= {f"builtin_{c.name.partition('/')[2].rpartition('_')[0]}" for c in library.clips}  # fmt: skip
    body = load_body("open", "neutral")
    by_name = {builtin_clip(i, 3).name: resample(builtin_clip(i, 3), 15.0) for i in range(6)}
    for pose in range(0, len(library.poses), 7):
        motion = by_name[library.clips[library.clip[pose]].name]
        frame = int(library.frame[pose])
        posed = pose_body(body, np.zeros((1, 10)), motion.poses[frame][None], np.zeros((1, 3)))
        assert np.abs(torso_centred(posed.landmarks)[0] - library.poses[pose]).max() < 1e-5


def test_description_tells_how_it_was_made(made: Path) -> None:
    info = read_info(made)
    assert info.request["spacing_mm"] == 12.0 and info.request["seed"] == 3 and info.request["builtin"]
    assert [name for name in info.inputs if name.startswith("body")] == ["body open neutral"]
    assert info.gains is not None
    gains = Gains.from_dict(info.gains)
    assert [s.source for s in gains.sources] == ["builtin"]
    assert gains.sources[0].kept == gains.sources[0].kept_alone == info.poses
    assert gains.gain is None  # one source merges with nothing
    assert sum(s.clips for s in gains.sources) == len(info.clips) == 6
    assert not (made / ASIDE).exists()


def test_trust_is_calibrated_on_the_library_and_not_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(calibrate, queries=40, methods=("depth",), skeletons=(LSP_14,))
    monkeypatch.setattr(build_library, "calibrate", few)
    with monkeypatch.context() as patch:
        patch.setattr(LibraryInfo, "write", _stop)  # killed before the last step
        with pytest.raises(Stopped):
            build(SMALL, tmp_path)
    trust = (tmp_path / TRUST).read_bytes()
    assert TrustModel.open(tmp_path / TRUST).reliability()["people"] > 0
    monkeypatch.setattr(build_library, "calibrate", _stop)
    build(SMALL, tmp_path)
    assert (tmp_path / TRUST).read_bytes() == trust


def test_same_bytes_for_any_number_of_workers(made: Path, tmp_path: Path) -> None:
    # Workers import the module anew and would make all built-in motions, so only the engine differs here.
    again = tmp_path / "again"
    build(SMALL, again, workers=1)
    assert contents(again) == contents(made)


STAGES = ("clip_landmarks", "select_poses", "measure_gains", "write_arrays", "assemble", "calibrate")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stopped_run_goes_on_and_gives_the_same_bytes(
    made: Path, tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "lib"
    called: list[str] = []

    def watched(name: str, real: Callable[..., object], stop: bool) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            called.append(name)
            if stop and (name != "clip_landmarks" or called.count(name) == 4):
                raise Stopped
            return real(*args, **kwargs)

        return call

    originals = {name: getattr(build_library, name) for name in STAGES}
    for name, real in originals.items():
        monkeypatch.setattr(build_library, name, watched(name, real, name == stage))
    with pytest.raises(Stopped):
        build(SMALL, out)
    assert not (out / "library.json").exists()
    with pytest.raises(InputError, match="a pose library"):
        open_library(out)
    before = set(called)
    called.clear()
    for name, real in originals.items():
        monkeypatch.setattr(build_library, name, watched(name, real, False))
    build(SMALL, out)
    assert contents(out) == contents(made)
    # Stages that were finished are not done again; the last ones are quick and always are.
    redone = before & set(called) - {stage, "assemble", "write_arrays"}
    assert redone == set()


def test_a_finished_library_is_left_as_it_is(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "lib"
    shutil.copytree(made, out)
    (out / ASIDE).mkdir()  # killed between the last two steps
    stamps = {p.name: p.stat().st_mtime_ns for p in out.iterdir() if p.is_file()}
    notes: list[str] = []
    build(SMALL, out, note=notes.append)
    assert notes[0] == "finished before"
    assert any(line.startswith("source") for line in notes)
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir() if p.is_file()} == stamps
    assert not (out / ASIDE).exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"views": 7}, "views: expected 7 as this run would have, got 6"),
        ({"spacing_mm": 30.0}, "spacing_mm"),
        ({"mirror": True}, "mirror"),
        ({"elevation_deg": (0.0, 10.0)}, "elevation_deg"),
        ({"seed": 4}, "seed"),
        ({"fps": 30.0}, "fps"),
        ({"motions": (Path("m.bvh"),)}, "builtin"),
    ],
)
def test_another_request_is_refused(made: Path, change: dict[str, object], message: str) -> None:
    before = contents(made)
    with pytest.raises(InputError, match=message):
        build(replace(SMALL, **change), made)
    assert contents(made) == before


def test_mirrored_poses_are_added(made: Path, tmp_path: Path) -> None:
    build(replace(SMALL, mirror=True), tmp_path / "lib")
    plain, both = open_library(made), open_library(tmp_path / "lib")
    count = len(plain.poses)
    assert count < len(both.poses) <= 2 * count
    assert np.array_equal(both.poses[:count], plain.poses)
    assert not both.mirrored[:count].any() and both.mirrored[count:].all()
    original = {(int(c), int(f)): p for c, f, p in zip(plain.clip, plain.frame, plain.poses, strict=True)}
    for i in range(count, len(both.poses)):
        source = original[int(both.clip[i]), int(both.frame[i])]
        assert np.abs(both.poses[i, FULL_42.index("l_wrist")] - source[FULL_42.index("r_wrist")] * [-1, 1, 1]).max() < 1e-6  # fmt: skip


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"views": 0}, "--views"),
        ({"spacing_mm": -1.0}, "--spacing-mm"),
        ({"spacing_mm": float("nan")}, "--spacing-mm"),
        ({"elevation_deg": (40.0, -20.0)}, "--elevation"),
        ({"elevation_deg": (-100.0, 0.0)}, "--elevation"),
        ({"fps": 0.0}, "--fps"),
    ],
)
def test_requests_that_make_no_sense(change: dict[str, object], option: str) -> None:
    with pytest.raises(InputError, match=option):
        replace(SMALL, **change)


def test_foreign_folders_and_bad_motions_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        build(SMALL, tmp_path)
    with pytest.raises(InputError, match="a folder"):
        build(SMALL, tmp_path / "thesis.txt")
    (tmp_path / "broken.bvh").write_text("HIERARCHY\nROOT Hips\n{\n OFFSET 0 0\n")
    with pytest.raises(InputError, match=r"broken\.bvh"):
        build(replace(SMALL, motions=(tmp_path / "broken.bvh",)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / ASIDE).mkdir()
    (tmp_path / ASIDE / "plan.json").write_text("{}")
    with pytest.raises(InputError, match=r"plan\.json"):
        build(SMALL, tmp_path)


def test_real_motions_are_watched_for_change(data: Path, tmp_path: Path) -> None:
    import zipfile

    motions = tmp_path / "motions"
    motions.mkdir()
    with zipfile.ZipFile(data / "mocap" / "bandai_namco_1.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".bvh")][:3]
        for name in names:
            (motions / Path(name).name).write_bytes(archive.read(name))
    request = replace(SMALL, motions=(motions,))
    build(request, tmp_path / "lib")
    info = read_info(tmp_path / "lib")
    assert {clip.collection for clip in info.clips} == {"motions"}
    assert sum(name.startswith("motions/") for name in info.inputs) == 3
    build(request, tmp_path / "lib")  # nothing has changed
    first = sorted(motions.iterdir())[0]
    text = first.read_bytes()
    first.write_bytes(text + b"\n")
    with pytest.raises(InputError, match=f"{first.name}.*other contents"):
        build(request, tmp_path / "lib")
    first.unlink()
    with pytest.raises(InputError, match=f"{first.name}.*a file more or less"):
        build(request, tmp_path / "lib")


def test_collections() -> None:
    assert collection_of("all/cmu.zip!01/01_01.amc") == "cmu.zip"
    assert collection_of("cmu/01/01_01.amc") == "cmu"
    assert collection_of("walk.bvh") == "single files"
    assert collection_of("builtin") == "builtin"


def test_a_shaped_body_keeps_its_feet_on_the_floor() -> None:
    motion = builtin_clip(0, 0)
    body = load_body("open", "neutral")
    tall = clip_landmarks(motion, body, np.array([2.0, 0, 0, 0]))
    plain = clip_landmarks(motion, body)
    ankles = SMPL_24.indices("l_ankle", "r_ankle")
    assert tall.shape == plain.shape == (len(motion.poses), 42, 3)
    assert np.abs(tall - plain).max() > 0.02
    assert np.abs(tall[:, ankles, 1].min() - plain[:, ankles, 1].min()) < 0.03


def test_library_json_holds_no_time_and_no_machine(made: Path) -> None:
    text = (made / "library.json").read_text()
    assert str(made) not in text and json.loads(text)["format_version"] == 1
