"""The import command as a whole: exact joints, own bytes of photos, same corpus however it is run."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pseudogt" / "photos"))
from annotation_files import coco_content, random_people, write_coco, write_mpii_csv, write_mpii_h5

from posecorpus.core.errors import InputError
from posecorpus.core.sample import Sample
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import COCO_17, LSP_14, MPII_16, convert, skeleton
from posecorpus.pipelines.export import export_corpus
from posecorpus.pipelines.importing import photos as module
from posecorpus.pipelines.importing.photos import ImportRequest, import_photos, shard_groups
from posecorpus.pipelines.importing.pictures import Examined, Photos
from posecorpus.pipelines.importing.shard import ShardTask, make_shard
from posecorpus.pipelines.importing.summary import sample_keys
from posecorpus.pipelines.inputs import UnusableInputs
from posecorpus.pseudogt.photos.records import AnnotatedPhoto

SIZE = (400, 300)


def picture(name: str, size: tuple[int, int] = SIZE) -> bytes:
    """A photo of its own for each name."""
    rng = np.random.default_rng(int(hashlib.sha256(name.encode()).hexdigest()[:8], 16))
    noise = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), size)
    return bytes(cv2.imencode(".jpg", noise)[1])


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> ImportRequest:
    """Nine photos of eighteen people, as a file of COCO's layout with a folder of photos."""
    folder = tmp_path_factory.mktemp("coco")
    people = random_people(np.random.default_rng(0), 18, 17)
    write_coco(folder / "people.json", people)
    (folder / "photos" / "val").mkdir(parents=True)
    for name in {name for name, _, _ in people}:
        (folder / "photos" / "val" / name).write_bytes(picture(name))
    return ImportRequest("coco", folder / "people.json", folder / "photos", samples_per_shard=2)


@pytest.fixture(scope="module")
def corpus(coco: ImportRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "corpus"
    import_photos(coco, out)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def changed(request: ImportRequest, **values: Any) -> ImportRequest:
    return ImportRequest(**(vars(request) | values))


def test_people_and_photos_arrive(coco: ImportRequest, corpus: Path) -> None:
    raw = json.loads(coco.annotations.read_text())
    annotations = {a["id"]: a for a in raw["annotations"]}
    made = Corpus(corpus)
    assert made.manifest.complete
    assert (made.manifest.kind, len(made), len(made.shards)) == ("import", 9, 5)
    assert set(made.manifest.skeletons) == {"coco_17"}
    seen = 0
    for sample, row in zip(made, made.columns("image")["image"], strict=True):
        name = sample.provenance["image"]
        assert sample.key == name.removesuffix(".jpg")
        assert row.as_py() == picture(name)  # byte for byte
        assert sample.image is not None
        assert (sample.width, sample.height) == SIZE
        assert sample.provenance["licence"] == "Attribution"
        assert sample.provenance["source"] == "people.json"
        for person, details in zip(sample.people, sample.provenance["people"], strict=True):
            table = np.array(annotations[details["annotation_id"]]["keypoints"]).reshape(17, 3)
            np.testing.assert_array_equal(person.visibility, table[:, 2])
            expected = np.where(table[:, 2:] > 0, table[:, :2] + 0.5, np.nan)
            np.testing.assert_array_equal(person.joints2d, expected.astype(np.float32))
            assert person.bbox.tolist() == [12.5, 20, 112.5, 220.25]
            assert person.joints3d is None
            seen += 1
    assert seen == 18


def test_the_same_bytes_for_two_workers_and_from_a_zip(
    coco: ImportRequest, corpus: Path, tmp_path: Path
) -> None:
    import_photos(coco, tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == contents(corpus)
    assert coco.images is not None
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in coco.images.rglob("*.jpg"):
            archive.write(file, f"val/{file.name}")
    import_photos(changed(coco, images=tmp_path / "photos.zip"), tmp_path / "zip")
    for name, data in contents(tmp_path / "zip").items():
        assert name == "manifest.json" or data == contents(corpus)[name]


def test_an_interrupted_import_goes_on(
    coco: ImportRequest, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    made: list[int] = []

    def stop_after_two(task: ShardTask) -> Any:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(task.index)
        return make_shard(task)

    monkeypatch.setattr(module, "make_shard", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        import_photos(coco, out)
    assert not Corpus(out).manifest.complete
    monkeypatch.setattr(module, "make_shard", lambda task: made.append(task.index) or make_shard(task))
    notes: list[str] = []
    import_photos(coco, out, note=notes.append)
    assert made == [0, 1, 2, 3, 4]
    assert notes[0] == "2 of 5 shards were finished before"
    assert contents(out) == contents(corpus)
    before = {p.name: p.stat().st_mtime_ns for p in out.glob("*.parquet")}
    import_photos(coco, out)
    assert {p.name: p.stat().st_mtime_ns for p in out.glob("*.parquet")} == before


def test_another_import_does_not_go_on_in_its_folder(
    coco: ImportRequest, corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"configuration.skeleton: expected 'lsp_14' as this run would have"):
        import_photos(changed(coco, skeleton="lsp_14"), corpus)
    assert coco.images is not None
    other = tmp_path / "photos"
    other.mkdir()
    for file in coco.images.rglob("*.jpg"):
        (other / file.name).write_bytes(picture("another"))
    with pytest.raises(InputError, match=r"inputs\.photos of photos"):
        import_photos(changed(coco, images=other), corpus)


def test_joints_are_converted_by_landmark(coco: ImportRequest, corpus: Path, tmp_path: Path) -> None:
    import_photos(changed(coco, skeleton="lcr_13", hidden="drop"), tmp_path / "lcr")
    target = skeleton("lcr_13")
    for old, new in zip(Corpus(corpus), Corpus(tmp_path / "lcr"), strict=True):
        visible = [p for p in old.people if (p.visibility == 2).any()]
        for before, after in zip(visible, new.people, strict=True):
            kept = np.where((before.visibility == 2)[:, None], before.joints2d, np.nan)
            np.testing.assert_array_equal(after.joints2d, convert(kept, COCO_17, target))
            assert set(after.visibility.tolist()) <= {0, 2}
    with pytest.raises(InputError, match=r"skeleton: expected one of smpl_24.* got 'lsp'"):
        import_photos(changed(coco, skeleton="lsp"), tmp_path / "none")


FAULTS = {
    "truncated": lambda data: data[:-300],
    "not a picture": lambda data: b"<html>404</html>",
    "smaller": lambda data: picture("x", (399, 300)),
    "turned": lambda data: picture("x", (300, 400)),
}


@pytest.mark.parametrize(("fault", "workers"), [*((fault, 1) for fault in FAULTS), ("truncated", 2)])
def test_bad_photos_stop_the_import_or_are_left_out(
    coco: ImportRequest, corpus: Path, tmp_path: Path, fault: str, workers: int
) -> None:
    assert coco.images is not None
    photos = tmp_path / "photos"
    photos.mkdir()
    for file in coco.images.rglob("*.jpg"):
        data = file.read_bytes()
        bad = file.stem in ("000000001", "000000004")
        (photos / file.name).write_bytes(FAULTS[fault](data) if bad else data)
    request = changed(coco, images=photos)
    with pytest.raises(UnusableInputs) as caught:
        import_photos(request, tmp_path / "out", workers=workers)
    assert [line.split(": ")[1] for line in caught.value.lines] == ["000000001.jpg", "000000004.jpg"]
    assert not (tmp_path / "out").exists()
    import_photos(changed(request, skip_bad=True), tmp_path / "out", workers=workers)
    made = Corpus(tmp_path / "out")
    assert made.manifest.complete
    assert [s.where for s in made.manifest.skipped] == ["photos: 000000001.jpg", "photos: 000000004.jpg"]
    assert [s.key for s in made.samples(())] == [f"{i:09d}" for i in range(9) if i not in (1, 4)]


def test_absent_photos_are_counted_and_left_out(coco: ImportRequest, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("000000002.jpg", "000000005.jpg"):
        (photos / name).write_bytes(picture(name))
    notes: list[str] = []
    import_photos(changed(coco, images=photos), tmp_path / "out", note=notes.append)
    assert "left out: 7 annotated photos that are not among the images" in notes
    assert "licences of the photos: Attribution (2)" in notes
    manifest = Corpus(tmp_path / "out").manifest
    assert [s.reason for s in manifest.skipped] == ["7 annotated photos that are not among the images"]
    assert manifest.planned_samples == 2
    (photos / "again").mkdir()
    (photos / "again" / "000000002.jpg").write_bytes(picture("x"))
    import_photos(changed(coco, images=photos), tmp_path / "both")  # the whole path decides
    (photos / "000000002.jpg").rename(photos / "again" / "2.jpg")
    (photos / "more").mkdir()
    (photos / "more" / "000000002.jpg").write_bytes(picture("x"))
    with pytest.raises(UnusableInputs, match=r"one file 000000002.jpg, got again/0.* and more/0"):
        import_photos(changed(coco, images=photos), tmp_path / "two")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"photos such as '000000000.jpg', got no picture at all"):
        import_photos(changed(coco, images=empty), tmp_path / "three")
    with pytest.raises(InputError, match=r"a folder or a \.zip"):
        import_photos(changed(coco, images=tmp_path / "nowhere"), tmp_path / "three")
    assert not (tmp_path / "three").exists()


def test_bad_annotations_stop_the_import_or_are_left_out(tmp_path: Path) -> None:
    content = coco_content(random_people(np.random.default_rng(1), 6, 17))
    content["annotations"][1]["keypoints"] = []
    content["images"][2]["file_name"] = "../outside.jpg"
    path = tmp_path / "people.json"
    path.write_text(json.dumps(content))
    request = ImportRequest("coco", path)
    with pytest.raises(UnusableInputs) as caught:
        import_photos(request, tmp_path / "out")
    assert len(caught.value.lines) == 2
    assert "annotations[1].keypoints: expected 51 numbers, got 0" in caught.value.lines[0]
    assert "a file name inside the folder of photos" in caught.value.lines[1]
    import_photos(changed(request, skip_bad=True), tmp_path / "out")
    made = Corpus(tmp_path / "out")
    assert [len(s.people) for s in made] == [1, 2]
    assert [s.where for s in made.manifest.skipped] == [
        "people.json: annotations[1].keypoints",
        "people.json: image 12",
    ]


def test_people_outside_their_photo_belong_to_another(coco: ImportRequest, tmp_path: Path) -> None:
    people = random_people(np.random.default_rng(0), 2, 16)
    people[0] = ("000000000.jpg", people[0][1] + 500, people[0][2])
    write_mpii_csv(tmp_path / "people.csv", people)
    request = ImportRequest("mpii", tmp_path / "people.csv", coco.images)
    with pytest.raises(
        UnusableInputs, match="joints in the photo, got all of person 0's outside its 400x300 pixels"
    ):
        import_photos(request, tmp_path / "out")


def test_what_looks_wrong_is_imported_and_told(tmp_path: Path) -> None:
    people = random_people(np.random.default_rng(0), 3, 16, (2,))
    people[1][1][9] = (50, -20.5)  # the top of a head that the picture cuts off
    write_mpii_csv(tmp_path / "people.csv", people)
    notes: list[str] = []
    import_photos(ImportRequest("mpii", tmp_path / "people.csv"), tmp_path / "out", note=notes.append)
    made = Corpus(tmp_path / "out")
    person = made[0].people[1]
    assert person.joints2d[9].tolist() == [50, -20.5]
    assert person.visibility[9] == 1
    assert made[0].provenance["people"][1]["outside"] == ["head_top"]
    assert made[0].provenance["size"] == "estimated"
    assert made.manifest.configuration["findings"]["joints outside their image"] == 1
    assert "look at: 1 joints outside their image (000000000.jpg)" in notes
    assert notes[0].startswith(
        "2 photos (annotations without pixels), 3 people, 0.0% of the joints unlabelled"
    )
    assert "the size of 2 photos is unknown and estimated from their people" in notes
    import_photos(ImportRequest("mpii", tmp_path / "people.csv", outside="drop"), tmp_path / "dropped")
    assert Corpus(tmp_path / "dropped")[0].people[1].visibility[9] == 0


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.integers(1, 9), per_shard=st.integers(1, 4))
def test_whatever_is_annotated_is_imported(
    tmp_path_factory: Any, seed: int, count: int, per_shard: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    people = random_people(np.random.default_rng(seed), count, 16)
    write_mpii_h5(folder / "people.h5", people)
    import_photos(ImportRequest("mpii", folder / "people.h5", samples_per_shard=per_shard), folder / "out")
    found = [(s.provenance["image"], person) for s in Corpus(folder / "out") for person in s.people]
    for (name, points, flags), (image, person) in zip(people, found, strict=True):
        assert name == image
        np.testing.assert_array_equal(person.visibility, flags)
        np.testing.assert_array_equal(person.joints2d, np.where(flags[:, None] > 0, points, np.nan))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 10), min_size=1, max_size=30), st.integers(1, 8), st.integers(1, 30))
def test_shards_are_as_long_as_memory_allows(sizes: list[int], samples: int, limit: int) -> None:
    photo = AnnotatedPhoto("x", "x", ())
    photos = Photos([(photo, Examined("x", "", size, 1, 1, "")) for size in sizes])
    groups = shard_groups(photos, samples, limit)
    assert [i for group in groups for i in range(len(sizes))[group]] == list(range(len(sizes)))
    for group in groups:
        held = sizes[group]
        assert 1 <= len(held) <= samples
        assert sum(held[:-1]) <= limit
        full = len(held) == samples or sum(held) > limit or group.stop == len(sizes)
        assert full
    assert len(shard_groups(Photos([(photo, None)] * len(sizes)), samples, limit)) == -(
        -len(sizes) // samples
    )


def test_a_file_of_exchanged_labels_is_told(data: Path, tmp_path: Path) -> None:
    joints = scipy.io.loadmat(data / "pose2d" / "lsp" / "joints.mat")["joints"][..., :400]
    for name, order in (("right", np.arange(14)), ("exchanged", LSP_14.mirror)):
        scipy.io.savemat(tmp_path / f"{name}.mat", {"joints": joints[:, order]})
        notes: list[str] = []
        import_photos(ImportRequest("lsp", tmp_path / f"{name}.mat"), tmp_path / name, note=notes.append)
        told = "look at: most people face away from the camera: left and right may be exchanged in the whole file"
        assert (told in notes) is (name == "exchanged")
        assert len(Corpus(tmp_path / name).manifest.configuration["findings"]) == 1 + (name == "exchanged")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=9), max_size=6))
def test_keys_are_clean_and_unique(names: list[str]) -> None:
    keys = sample_keys(names)
    assert len(set(keys)) == len(names)
    for key in keys:
        Sample(key, 1, 1, []).validate()


def test_keys_are_the_names_of_the_photos() -> None:
    names = ["im0001.jpg", "val/im0001.jpg", "a b.JPEG", "im0001.png", "v1.2/x.webp"]
    assert sample_keys(names) == ["im0001", "val-im0001", "a-b", "im0001-2", "v1.2-x"]


def test_what_is_exported_to_coco_is_imported_again(corpus: Path, tmp_path: Path) -> None:
    export_corpus(corpus, tmp_path / "coco", "coco", skeleton="coco_17")
    request = ImportRequest("coco", tmp_path / "coco" / "annotations.json", tmp_path / "coco" / "images")
    import_photos(request, tmp_path / "again")
    first, second = Corpus(corpus), Corpus(tmp_path / "again")
    assert first.columns("image", "key", "width", "height").equals(
        second.columns("image", "key", "width", "height")
    )
    for before, after in zip(first, second, strict=True):
        for old, new in zip(before.people, after.people, strict=True):
            np.testing.assert_array_equal(old.joints2d, new.joints2d)
            np.testing.assert_array_equal(old.visibility, new.visibility)
            np.testing.assert_allclose(old.bbox, new.bbox, atol=1e-3)


# --- real files


def test_leeds_photos(data: Path, tmp_path: Path) -> None:
    """Forty photos of LSP-extended with the annotations of all 10,000."""
    folder = data / "pose2d" / "lspet"
    with (
        zipfile.ZipFile(folder / "images_1500.zip") as whole,
        zipfile.ZipFile(tmp_path / "few.zip", "w") as few,
    ):
        names = sorted(whole.namelist())[::37]
        for name in names:
            few.writestr(name, whole.read(name))
    notes: list[str] = []
    import_photos(
        ImportRequest("lspet", folder / "joints.mat", tmp_path / "few.zip"),
        tmp_path / "out",
        note=notes.append,
    )
    made = list(Corpus(tmp_path / "out"))
    assert [s.provenance["image"] for s in made] == [Path(name).name for name in names]
    for sample in made:
        (person,) = sample.people
        assert (person.visibility > 0).sum() >= 12
        inside = (person.joints2d > -1) & (person.joints2d < (sample.width + 1, sample.height + 1))
        assert inside.all(-1)[person.visibility > 0].all()
        assert sample.image is not None
    assert any(note.startswith("71% of 5,308 people") for note in notes)
    assert f"left out: {10_000 - len(names):,} annotated photos that are not among the images" in notes


@pytest.mark.parametrize(("split", "photos", "people"), [("train", 28, 86), ("val", 32, 68)])
def test_coco_photos(data: Path, tmp_path: Path, split: str, photos: int, people: int) -> None:
    folder = data / "pose2d" / "coco"
    request = ImportRequest(
        "coco", folder / f"person_keypoints_{split}2017_mini.json", folder / "images_person.zip"
    )
    import_photos(request, tmp_path / "out")
    made = Corpus(tmp_path / "out")
    assert (len(made), sum(len(s.people) for s in made.samples(()))) == (photos, people)
    with zipfile.ZipFile(folder / "images_person.zip") as archive:
        for sample, row in zip(made.samples(()), made.columns("image")["image"], strict=True):
            assert row.as_py() == archive.read(f"{split}2017/{sample.provenance['image']}")
            assert sample.provenance["licence_url"].startswith("http")
            for person in sample.people:
                known = person.joints2d[person.visibility > 0]
                assert ((known >= 0) & (known <= (sample.width, sample.height))).all()


def test_mpii_photos(data: Path, tmp_path: Path) -> None:
    folder = data / "pose2d" / "mpii"
    keys = []
    for name in ("valid.h5", "mmpose_test_mpii.json"):
        out = tmp_path / name
        import_photos(ImportRequest("mpii", folder / name, folder / "mmpose_images.zip"), out)
        made = Corpus(out)
        assert all(s.provenance["people"][0]["head_size_px"] > 20 for s in made)
        assert all(p.skeleton == MPII_16.name for s in made for p in s.people)
        keys.append({s.key for s in made})
    assert keys[0] == keys[1]
    assert len(keys[0]) == 5
