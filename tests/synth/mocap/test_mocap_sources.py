"""Finding clips: names, order, skeletons, and zips that mean harm."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_mocap_broken import AMC, ASF, BVH, amass, npz

from posecorpus.core.errors import InputError
from posecorpus.synth.mocap import archive
from posecorpus.synth.mocap.sources import find_clips, read_clip, scan
from posecorpus.synth.mocap.units import Reading
from posecorpus.synth.motion import BodyMotion, SourceClip


def zip_of(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
        for name, text in members.items():
            stream.writestr(name, text)
    return path


def tree_of(path: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


MIXED = {
    "subjects/01/01.asf": ASF,
    "subjects/01/01_02.amc": AMC,
    "subjects/01/01_01.amc": AMC,
    "subjects/02/02_01.amc": AMC,
    "max/01_01.bvh": BVH,
    "hdm/HDM_bk.asf": ASF,
    "hdm/HDM_bk_walk2Steps_001_120.amc": AMC,
    "hdm/HDM_dg.asf": ASF,
    "hdm/HDM_dg_walk2Steps_001_120.amc": AMC,
    "one/skeleton.ASF": ASF,
    "one/anything.AMC": AMC,
    "amass/clip_poses.npz": amass(),
    "amass/shape.npz": npz(betas=np.zeros(16)),
    "INDEX.csv": "a,b",
    "README.md": "hello",
    "hdm/take.c3d": b"\x00\x01",
}
NAMES = [
    "clip_poses",
    "HDM_bk_walk2Steps_001_120",
    "HDM_dg_walk2Steps_001_120",
    "max/01_01",
    "anything",
    "01/01_01",
    "01_02",
]


@pytest.mark.parametrize("packed", [False, True])
def test_mixed_layout(tmp_path: Path, packed: bool) -> None:
    where = zip_of(tmp_path / "all.zip", MIXED) if packed else tree_of(tmp_path / "all", MIXED)
    refs, problems = scan([where])
    assert [ref.name for ref in refs] == NAMES
    assert len(problems) == 1 and problems[0].where.endswith("02_01.amc") and ".asf" in problems[0].reason
    named = {ref.name: ref for ref in refs}
    assert named["HDM_bk_walk2Steps_001_120"].subject == "HDM_bk"
    assert named["01_02"].subject == "01" and named["01_02"].fps == 120
    entry = named["max/01_01"].as_dict()
    assert entry["sha256"] == hashlib.sha256(BVH.encode()).hexdigest() and entry["frames"] == 3
    assert json.loads(json.dumps(entry)) == entry
    for ref in refs:
        clip = read_clip(ref)
        assert (clip.name, clip.source, clip.fps, clip.subject) == (
            ref.name,
            ref.source,
            ref.fps,
            ref.subject,
        )
        assert isinstance(clip, BodyMotion if ref.format == "amass" else SourceClip)


def test_zip_inside_a_folder_reads_like_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    zip_of(tmp_path / "data" / "all.zip", MIXED)
    assert [ref.name for ref in scan([tmp_path / "data"])[0]] == NAMES


def test_the_same_file_named_twice_is_one_clip(tmp_path: Path) -> None:
    folder = tree_of(tmp_path / "d", {"a.bvh": BVH})
    refs, problems = scan([folder, folder / "a.bvh", folder])
    assert [ref.name for ref in refs] == ["a"] and not problems


def test_equal_names_in_two_zips_stay_apart(tmp_path: Path) -> None:
    zips = [zip_of(tmp_path / f"{name}.zip", {"x/walk.bvh": BVH, "y/walk.bvh": BVH}) for name in "ab"]
    assert [ref.name for ref in scan(zips)[0]] == ["a/x/walk", "a/y/walk", "b/x/walk", "b/y/walk"]


def test_order_follows_the_names_not_the_archive(tmp_path: Path) -> None:
    files = {f"{name}.bvh": BVH for name in "cab"}
    one = scan([zip_of(tmp_path / "one.zip", files)])[0]
    two = scan([zip_of(tmp_path / "two.zip", dict(reversed(files.items())))])[0]
    assert [ref.name for ref in one] == [ref.name for ref in two] == ["a", "b", "c"]


def test_an_amc_file_by_itself_finds_the_skeleton_beside_it(tmp_path: Path) -> None:
    folder = tree_of(tmp_path, {"05.asf": ASF, "05_01.amc": AMC, "06.asf": ASF})
    refs, problems = scan([folder / "05_01.amc"])
    assert [ref.name for ref in refs] == ["05_01"] and not problems


def test_a_neighbours_skeleton_is_not_used(tmp_path: Path) -> None:
    """Subject 02 beside 01.asf alone has no skeleton, though it is the only one there."""
    refs, problems = scan([tree_of(tmp_path, {"01.asf": ASF, "02_01.amc": AMC})])
    assert not refs and len(problems) == 1


def test_stated_units_and_fps_hold_for_what_they_match(tmp_path: Path) -> None:
    folder = tree_of(tmp_path, {"a/x.bvh": BVH, "b/x.bvh": BVH})
    refs, _ = scan([folder], readings=[("b/*", Reading(units="inch", fps=50))])
    here, there = (read_clip(ref) for ref in refs)
    assert isinstance(here, SourceClip) and isinstance(there, SourceClip)
    assert (here.fps, there.fps) == (120, 50)
    np.testing.assert_allclose(there.rest, here.rest * 2.54, atol=1e-12)


def test_known_frame_rates_are_used_and_noted(tmp_path: Path) -> None:
    """CMU captured subject 88 at 60; the DAZ conversion says 120. Another rig of that name is believed."""
    daz = BVH.replace("hips", "hip").replace("spine", "lThigh").replace("leg", "lShin")
    refs, _ = scan([tree_of(tmp_path, {"daz/88_01.bvh": daz, "own/88_01.bvh": BVH, "daz/10_01.bvh": daz})])
    found = {ref.name: (ref.fps, ref.note) for ref in refs}
    assert found["daz/88_01"][0] == 60 and "not at the file's 120" in found["daz/88_01"][1]
    assert found["own/88_01"] == (120, "") and found["10_01"] == (120, "")
    stated, _ = scan([tmp_path / "daz" / "88_01.bvh"], readings=[("88_*", Reading(fps=120))])
    assert stated[0].fps == 120 and "as stated" in stated[0].note


def test_acclaim_rates_come_from_what_is_known_of_the_database(tmp_path: Path) -> None:
    names = ("01_01", "88_02", "136_19", "HDM_bk_walk_001_120", "HDM_bk_walk_001_60", "dance")
    files = {f"{name}/{name}.amc": AMC for name in names} | {f"{name}/{name}.asf": ASF for name in names}
    found = {ref.name: (ref.fps, ref.note) for ref in scan([tree_of(tmp_path, files)])[0]}
    assert [found[name][0] for name in names] == [120, 60, 60, 120, 60, 120]
    assert [bool(found[name][1]) for name in names] == [False, True, True, False, True, True]
    assert "assumed" in found["dance"][1]


def test_amass_folders_are_subjects(tmp_path: Path) -> None:
    refs, _ = scan([tree_of(tmp_path, {"ACCAD/Female1/walk_poses.npz": amass(), "own.npz": amass()})])
    assert [(ref.name, ref.subject) for ref in refs] == [("walk_poses", "Female1"), ("own", "own")]


def test_every_problem_is_reported_and_the_rest_is_usable(tmp_path: Path) -> None:
    bad = {"b.bvh": BVH.replace("Frames: 3", "Frames: 5"), "c.bvh": BVH.replace("0 90 1", "0 nan 1")}
    refs, problems = scan([zip_of(tmp_path / "z.zip", {"a.bvh": BVH, "d.bvh": BVH} | bad), tmp_path / "gone"])
    assert [ref.name for ref in refs] == ["a", "d"]
    lines = [str(problem) for problem in problems]
    assert any(line.startswith(f"{tmp_path}/z.zip!b.bvh:22: expected as many frames") for line in lines)
    assert any(line.startswith(f"{tmp_path}/z.zip!c.bvh:25: expected finite numbers") for line in lines)
    assert any(line.startswith(f"{tmp_path}/gone: ") for line in lines) and len(lines) == 3
    with pytest.raises(InputError, match="gone"):
        find_clips([tmp_path / "gone"])


def test_a_broken_skeleton_is_reported_for_each_of_its_clips(tmp_path: Path) -> None:
    files = {"01.asf": ASF.replace("root spine leg", "root spine"), "01_01.amc": AMC, "01_02.amc": AMC}
    _, problems = scan([tree_of(tmp_path, files)])
    assert [Path(p.where).name for p in problems] == ["01_01.amc", "01_02.amc"]
    assert all("01.asf" in p.reason and "off the tree" in p.reason for p in problems)


@pytest.mark.parametrize(
    "name", ["../evil.bvh", "/etc/evil.bvh", "a/../../evil.bvh", "C:/evil.bvh", "a\\..\\evil.bvh"]
)
def test_path_traversal(tmp_path: Path, name: str) -> None:
    refs, problems = scan([zip_of(tmp_path / "z.zip", {name: BVH, "good.bvh": BVH})])
    assert [ref.name for ref in refs] == ["good"]
    assert len(problems) == 1 and "leads out" in problems[0].reason and "evil" in problems[0].where


def test_zip_bomb_by_ratio_and_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = zip_of(tmp_path / "z.zip", {"bomb.bvh": BVH.encode() + b" " * (32 << 20), "good.bvh": BVH})
    refs, problems = scan([flat])
    assert [ref.name for ref in refs] == ["good"] and "packed size" in problems[0].reason
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1 << 20)
    big = zip_of(tmp_path / "big.zip", {"big.bvh": np.random.default_rng(0).bytes(2 << 20)})
    assert "at most 1 MiB" in scan([big])[1][0].reason
    plain = tree_of(tmp_path / "d", {"big.bvh": BVH.encode() + b" " * (2 << 20)})
    assert "at most 1 MiB" in scan([plain])[1][0].reason


def test_a_member_that_lies_about_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The central directory claims 10 bytes; the data unpack to more than the limit."""
    path = zip_of(tmp_path / "z.zip", {"a.bvh": b" " * (4 << 20)})
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(raw)
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1 << 20)
    refs, problems = scan([path])
    assert not refs and len(problems) == 1 and "a.bvh" in problems[0].where


def test_encrypted_nested_and_duplicated_members(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as stream:
        stream.writestr("a.bvh", BVH)
    nested = zip_of(tmp_path / "nested.zip", {"inner.zip": inner.getvalue()})
    assert "zip inside" in scan([nested])[1][0].reason

    secret = zip_of(tmp_path / "secret.zip", {"a.bvh": BVH})
    raw = bytearray(secret.read_bytes())
    raw[raw.index(b"PK\x03\x04") + 6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    secret.write_bytes(raw)
    assert "password" in scan([secret])[1][0].reason

    twice = zip_of(tmp_path / "twice.zip", {"a.bvh": BVH, "b.bvh": BVH})
    twice.write_bytes(twice.read_bytes().replace(b"b.bvh", b"a.bvh"))
    refs, problems = scan([tmp_path / "twice.zip"])
    assert len(refs) == 1 and "its name again" in problems[0].reason


def test_damaged_zips(tmp_path: Path) -> None:
    good = zip_of(tmp_path / "good.zip", {"a.bvh": BVH * 50}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(good[:-30])
    assert "a zip that opens" in scan([tmp_path / "cut.zip"])[1][0].reason
    raw = bytearray(good)
    raw[60] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(raw)
    refs, problems = scan([tmp_path / "flipped.zip"])
    assert not refs and "a file that can be read" in problems[0].reason


def test_deep_folders(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "z.zip", {"/".join(["d"] * 40) + "/a.bvh": BVH})
    assert "folders in each other" in scan([path])[1][0].reason
    tree_of(tmp_path / "t", {"/".join(["d"] * 40) + "/a.bvh": BVH})
    assert "folders in each other" in scan([tmp_path / "t"])[1][0].reason


def test_progress_counts_every_file(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    scan(
        [tree_of(tmp_path, {"a.bvh": BVH, "b.bvh": "x"})],
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(1, 2), (2, 2)]
