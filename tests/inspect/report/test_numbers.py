"""The numbers behind the report: against closed forms, plain loops, and the corpus read the slow way."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.core.manifest import MANIFEST
from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import FULL_42, SKELETONS
from posecorpus.inspect.report import body, page, write_report
from posecorpus.inspect.report.charts import all_charts, camera_distances, camera_pitches
from posecorpus.inspect.report.choice import spread
from posecorpus.inspect.report.columns import LIMB_JOINTS, label_coverage, read_columns
from posecorpus.inspect.report.histograms import histogram
from posecorpus.inspect.report.pictures import cropped, picture_record, surface_window
from posecorpus.inspect.report.space import MAX_POINTS, space_record


@pytest.fixture(scope="module")
def mixed(spheres: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered people with every label, photos with few, an image of nobody; three shards."""
    samples = [spheres.make_sample(i) for i in range(5)] + [spheres.make_photo(i) for i in range(4)]
    nobody = spheres.make_photo(9)
    nobody.people = []
    samples[1].people[0].joints3d[FULL_42.index("l_knee")] = np.nan
    samples[2].people[0].visibility[FULL_42.index("r_wrist")] = 0
    return spheres.write_corpus(tmp_path_factory.mktemp("mixed") / "c", [*samples, nobody], shard_size=4)


def test_columns_are_what_the_samples_say(mixed: Path) -> None:
    columns = read_columns(Corpus(mixed), 1000)
    samples = list(Corpus(mixed))
    people = [(i, person) for i, sample in enumerate(samples) for person in sample.people]
    assert columns.rows.tolist() == list(range(len(samples)))
    assert columns.image.tolist() == [i for i, _ in people]
    assert columns.size.tolist() == [[s.width, s.height] for s in samples]
    assert columns.clips == len({s.clip for s in samples if s.clip})
    for i, sample in enumerate(samples):
        if sample.camera is None:
            assert np.isnan(columns.K[i]).all() and np.isnan(columns.t[i]).all()
        else:
            assert (columns.K[i] == sample.camera.K).all() and (columns.R[i] == sample.camera.R).all()
    expected = {name: np.zeros((len(SKELETONS[name]), 3), int) for name in columns.visibility}
    for p, (_, person) in enumerate(people):
        shape = SKELETONS[person.skeleton]
        assert columns.text["motion"][p] == person.motion and columns.text["gender"][p] == person.gender
        for j, name in enumerate(LIMB_JOINTS):
            own = shape.index(name)
            labelled = person.visibility[own] > 0
            np.testing.assert_array_equal(
                columns.limbs2d[p, j], person.joints2d[own] if labelled else [np.nan] * 2
            )
            own3d = np.full(3, np.nan) if person.joints3d is None else person.joints3d[own]
            np.testing.assert_array_equal(columns.limbs3d[p, j], own3d)
        for own, flag in enumerate(person.visibility):
            expected[person.skeleton][own, flag] += 1
    assert columns.visibility.keys() == {p.skeleton for _, p in people}
    for name, counts in columns.visibility.items():
        assert (counts == expected[name]).all()


def test_coverage_counts_each_raster(mixed: Path) -> None:
    assert label_coverage(Corpus(mixed)) == {
        "image": 10,
        "parts": 5,
        "instances": 5,
        "depth": 5,
        "normals": 5,
        "flow": 5,
    }


def test_large_corpora_are_read_in_whole_shards_spread_evenly(
    spheres: SimpleNamespace, tmp_path: Path
) -> None:
    photo = spheres.make_photo(0)
    photos = [replace(photo, key=str(i)) for i in range(30)]
    corpus = Corpus(spheres.write_corpus(tmp_path / "c", photos, shard_size=3))
    rows = read_columns(corpus, 12).rows
    assert len(rows) == 12 and rows[0] == 0 and rows[-1] == 29
    assert (np.diff(rows[::3]) == 9).all()


def body_facing(degrees: float) -> np.ndarray:
    """(1, 12, 3) a hanging body in the camera frame (y down) whose chest points that way."""
    flat = {
        "shoulder": (0.2, -0.5),
        "elbow": (0.2, -0.2),
        "wrist": (0.2, 0.1),
        "hip": (0.1, 0.0),
        "knee": (0.1, 0.45),
        "ankle": (0.1, 0.9),
    }
    # Facing the camera, the person's left is on the image's right.
    limbs = [((x if name[0] == "l" else -x), y, 0.0) for name in LIMB_JOINTS for x, y in [flat[name[2:]]]]
    # 90 degrees is the image's right: the chest goes from -z towards +x, a turn about y (down) by -degrees.
    return (np.array(limbs) @ Rotation.from_euler("y", -degrees, degrees=True).as_matrix().T + (0, 0, 5))[
        None
    ]


@pytest.mark.parametrize("degrees", [0, 35, 90, 180, 271])
def test_facing(degrees: float) -> None:
    assert body.facing_degrees(body_facing(degrees))[0] == pytest.approx(degrees, abs=1e-6)


def test_facing_of_a_rendered_person_follows_the_yaw(spheres: SimpleNamespace) -> None:
    for index in range(6):
        sample = spheres.make_sample(index, people=1)
        person = sample.people[0]
        limbs = person.joints3d[FULL_42.indices(*LIMB_JOINTS)][None].astype(float)
        # At yaw 0 the body looks along world +Z, away from the camera; turning left (+) goes to the image's left.
        forward = sample.camera.R @ Rotation.from_rotvec(person.pose[0]).apply([0, 0, 1])
        expected = np.degrees(np.arctan2(forward[0], -forward[2]))
        off = (body.facing_degrees(limbs)[0] - expected + 180) % 360 - 180
        assert abs(off) < 30, "the spine of these bodies twists a little"


def test_joint_angles_in_closed_form() -> None:
    limbs = body_facing(20)
    assert {n: round(float(v["l"][0]), 6) for n, v in body.joint_angles(limbs).items()} == {
        "shoulder": 0,
        "elbow": 0,
        "hip": 0,
        "knee": 0,
    }
    bent = body_facing(0)
    ankle, knee = LIMB_JOINTS.index("r_ankle"), LIMB_JOINTS.index("r_knee")
    bent[0, ankle] = bent[0, knee] + (0, 0, 0.45)  # the shin straight back
    wrist, elbow = LIMB_JOINTS.index("l_wrist"), LIMB_JOINTS.index("l_elbow")
    bent[0, wrist] = bent[0, elbow] + (0, -0.3, 0)  # the forearm folded back up
    angles = body.joint_angles(bent)
    assert angles["knee"]["r"][0] == pytest.approx(90) and angles["elbow"]["l"][0] == pytest.approx(180)
    assert angles["knee"]["l"][0] == pytest.approx(0, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 3))
def test_normal_form_in_3d_forgets_place_size_and_orientation(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    limbs = body_facing(0) + rng.normal(0, 0.08, (1, 12, 3))
    moved = scale * limbs @ Rotation.random(rng=rng).as_matrix().T + rng.normal(0, 3, 3)
    np.testing.assert_allclose(body.normal_form(moved), body.normal_form(limbs), atol=1e-9)
    mirrored = limbs * (-1, 1, 1)
    assert np.abs(body.normal_form(mirrored) - body.normal_form(limbs)).max() > 1e-3, (
        "handedness is part of a pose"
    )


def test_normal_form_in_2d_forgets_place_and_size_only() -> None:
    limbs = body_facing(30)[..., :2]
    np.testing.assert_allclose(body.normal_form(2.5 * limbs + (40, -7)), body.normal_form(limbs), atol=1e-12)


def test_embedding_is_the_svd() -> None:
    features = np.random.default_rng(0).normal(size=(60, 36)) * np.linspace(3, 0.1, 36)
    coordinates, share = body.embed(features)
    _, values, axes = np.linalg.svd(features - features.mean(0), full_matrices=False)
    np.testing.assert_allclose(
        np.abs(coordinates), np.abs((features - features.mean(0)) @ axes[:2].T), atol=1e-9
    )
    assert share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum())


def test_a_missing_joint_gives_no_number() -> None:
    limbs = body_facing(0)
    limbs[0, LIMB_JOINTS.index("l_hip")] = np.nan
    assert np.isnan(body.facing_degrees(limbs)[0]) and np.isnan(body.normal_form(limbs)).all()
    assert np.isfinite(body.joint_angles(limbs)["elbow"]["l"][0]), "what does not need the hip stays"


def test_charts_count_everyone_once(mixed: Path) -> None:
    columns = read_columns(Corpus(mixed), 1000)
    people = len(columns.image)
    charts = {chart["title"]: chart for chart in all_charts(columns, {0: 0, 7: 1}, None, SMPL_24_PARTS)}
    in_3d = int(np.isfinite(columns.limbs3d).all((1, 2)).sum())
    assert len(charts["Poses"]["points"]) == in_3d
    assert sum(p[3] >= 0 for p in charts["Poses"]["points"]) == sum(columns.image == 0)
    assert sum(charts["Facing"]["counts"]) == people - 4, "photos have no 3D; the lost knee is not needed"
    assert sum(charts["Size"]["counts"]) == people
    assert sum(item["values"][0] for item in charts["People in a picture"]["items"]) == 10
    assert sum(item["values"][0] for item in charts["Motions"]["items"]) == people - 4
    visibility = [
        chart for chart in all_charts(columns, {}, None, None) if chart["title"] == "Visibility of joints"
    ]
    assert [c["total"] for c in visibility] == [people - 4, 4]
    assert all(sum(i["values"]) == c["total"] for c in visibility for i in c["items"])
    assert "Parts" not in charts, "no pictured sample, no count"


def test_pitch_is_positive_where_the_camera_looks_down(spheres: SimpleNamespace, tmp_path: Path) -> None:
    sample = spheres.make_sample(0)
    sample.camera = Camera.look_at((0, 3, 0), (0, 0, 3), 300, sample.width, sample.height)
    columns = read_columns(Corpus(spheres.write_corpus(tmp_path / "c", [sample])), 10)
    assert camera_pitches(columns)[0] == pytest.approx(45)
    hips = sample.people[0].joints3d[FULL_42.indices("l_hip", "r_hip")].astype(float).mean(0)
    assert camera_distances(columns)[0] == pytest.approx(np.linalg.norm(hips), rel=1e-6)


def test_histogram_of_one_value_is_that_value() -> None:
    assert histogram(np.array([600.0, 600.0, np.nan]), "px") == {
        "type": "constant",
        "unit": "px",
        "value": 600.0,
    }
    assert histogram(np.array([np.nan]), "px") is None
    chart = histogram(np.array([0.0, 1.0, 1.0, 2.0]), "m")
    assert (
        chart is not None and sum(chart["counts"]) == 4 and chart["edges"][0] == 0 and chart["edges"][-1] == 2
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 300), st.integers(0, 99))
def test_spread_takes_one_from_each_stretch(total: int, wanted: int, seed: int) -> None:
    picked = spread(total, wanted, seed)
    count = min(total, wanted)
    assert len(picked) == count and sorted(set(picked)) == picked
    assert all(i * total // count <= index < (i + 1) * total // count for i, index in enumerate(picked))
    assert picked == spread(total, wanted, seed)


def test_point_cloud_lies_on_the_depth_map(spheres: SimpleNamespace) -> None:
    sample = spheres.make_sample(2, width=200, height=150)
    record = space_record(sample, 10**6)
    points = decode_cloud(record)
    pixels, depth = sample.camera.project(points["xyz"] * record["unit"] + record["centre"])
    rows, columns = np.nonzero(sample.depth_mm)
    assert len(points) == len(rows) <= MAX_POINTS
    np.testing.assert_allclose(pixels, np.stack([columns, rows], -1) + 0.5, atol=0.03)
    np.testing.assert_allclose(depth, sample.depth_mm[rows, columns] / 1000, atol=2 * record["unit"])
    assert (points["rgb"] == sample.image[rows, columns]).all() and (
        points["part"] == sample.parts[rows, columns]
    ).all()


def decode_cloud(record: dict) -> np.ndarray:
    kind = np.dtype([("xyz", "<i2", 3), ("rgb", "u1", 3), ("part", "u1")])
    return np.frombuffer(base64.b64decode(record["cloud"]), kind)


def test_thinned_cloud_is_bounded_and_still_covers_everyone(spheres: SimpleNamespace) -> None:
    sample = spheres.make_sample(0)
    record = space_record(sample, 7000)
    assert len(record["cloud"]) <= 7000
    whole, thin = decode_cloud(space_record(sample, 10**6)), decode_cloud(record)
    parts = np.bincount(whole["part"], minlength=25) / len(whole)
    assert np.abs(np.bincount(thin["part"], minlength=25) / len(thin) - parts).max() < 0.05


def test_without_a_camera_up_is_up_in_the_image(spheres: SimpleNamespace) -> None:
    sample = spheres.make_sample(0)
    sample.camera = None
    record = space_record(sample, 10**6)
    assert record["camera"] is None and "cloud" not in record
    points = np.array(record["people"][0]["points"])
    assert points[FULL_42.index("head"), 1] > points[FULL_42.index("l_ankle"), 1]
    assert space_record(spheres.make_photo(0), 10**6) is None


@pytest.mark.parametrize("limit", [10**7, 30_000, 12_000])
def test_pictures_fit_their_share(spheres: SimpleNamespace, limit: int) -> None:
    sample = spheres.make_sample(1, width=640, height=480)
    record = picture_record(sample, SMPL_24_PARTS, limit)
    used = len(record["image"]) + sum(map(len, record["layers"].values()))
    assert used <= limit and (record["scale"] == 1) == (limit == 10**7)
    assert record["layers"].keys() == {"parts", "instances", "depth", "normals", "flow"}


def test_window_is_the_smallest_that_holds_all_labels(spheres: SimpleNamespace) -> None:
    sample = spheres.make_photo(0)
    assert surface_window(sample) == (0, 0, sample.width, sample.height), "nothing labelled: everything"
    sample.parts = np.zeros((sample.height, sample.width), np.uint8)
    sample.parts[7, 30:41] = 3
    sample.depth_mm = np.zeros((sample.height, sample.width), np.uint16)
    sample.depth_mm[5:9, 40] = 1000
    assert surface_window(sample) == (30, 5, 41, 9)
    inside = cropped(sample, (30, 5, 41, 9))
    inside.validate()
    assert (inside.parts > 0).sum() == 11 and (inside.depth_mm > 0).sum() == 4
    assert (inside.image == sample.image[5:9, 30:41]).all()


def test_report_is_bounded_and_reproducible(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write_report(mixed, tmp_path / "a" / "whole.html", samples=6)
    assert whole.read_bytes() == write_report(Corpus(mixed), tmp_path / "again.html", samples=6).read_bytes()
    assert whole.read_bytes() != write_report(mixed, tmp_path / "other.html", samples=6, seed=1).read_bytes()
    fixed = len(page.render(data_of(whole) | {"samples": [], "spaces": []}))
    monkeypatch.setattr(page, "PICTURE_BYTES", 120_000)
    small = write_report(mixed, tmp_path / "small.html", samples=6)
    assert small.stat().st_size - fixed < 120_000 + 6 * 6000, (
        "pictures and clouds, and the annotations beside them"
    )


def data_of(file: Path) -> dict:
    match = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', file.read_text(), re.DOTALL
    )
    assert match is not None
    return json.loads(match[1], parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


class Addresses(html.parser.HTMLParser):
    """Every address that the markup itself refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or "" for name, value in attrs if name in ("src", "href", "action", "data", "poster")
        ]


def test_markup_refers_to_nothing_outside_and_the_policy_names_what_is_inside(
    mixed: Path, tmp_path: Path
) -> None:
    text = write_report(mixed, tmp_path / "r.html", samples=2).read_text()
    parser = Addresses()
    parser.feed(text)
    assert all(address.startswith("#") or address == "data:," for address in parser.found)
    for tag in ("style", 'script type="module"'):
        inside = re.search(f"<{tag}>(.*?)</{tag.split()[0]}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in text.split("Content-Security-Policy")[1][:400]


def test_progress_is_reported(mixed: Path, tmp_path: Path) -> None:
    steps = []
    write_report(mixed, tmp_path / "r.html", samples=3, report=lambda *step: steps.append(step))
    assert steps == [("pictures", i, 3) for i in (1, 2, 3)]


def test_a_taxonomy_of_the_users_own_is_shown_by_its_legend(spheres: SimpleNamespace, tmp_path: Path) -> None:
    corpus = spheres.write_corpus(tmp_path / "c", [spheres.make_sample(0)])
    content = json.loads((corpus / MANIFEST).read_text())
    content["part_taxonomy"] = {"name": "mine", "legend": {"0": "background", "1": "l_wing", "7": "tail"}}
    (corpus / MANIFEST).write_text(json.dumps(content))
    data = data_of(write_report(corpus, tmp_path / "r.html"))
    assert [(part["id"], part["name"]) for part in data["parts"]] == [
        (0, "background"),
        (1, "l_wing"),
        (7, "tail"),
    ]
    content["part_taxonomy"]["legend"]["256"] = "wheel"
    (corpus / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="ids below 256"):
        write_report(corpus, tmp_path / "r.html")


@pytest.mark.parametrize("damage", ["missing", "truncated", "another table"])
def test_a_damaged_shard_is_named(spheres: SimpleNamespace, tmp_path: Path, damage: str) -> None:
    photo = spheres.make_photo(0)
    corpus = spheres.write_corpus(
        tmp_path / "c", [replace(photo, key=str(i)) for i in range(4)], shard_size=2
    )
    shard = corpus / "shard-00001.parquet"
    if damage == "missing":
        shard.unlink()
    elif damage == "truncated":
        shard.write_bytes(shard.read_bytes()[:-100])
    else:
        pq.write_table(pa.table({"key": ["a", "b"]}), shard)
    with pytest.raises(InputError, match=r"shard-00001\.parquet"):
        write_report(corpus, tmp_path / "r.html", samples=1)
    assert not (tmp_path / "r.html").exists()


def test_a_crowd_with_endless_names_does_not_swell_the_page(spheres: SimpleNamespace, tmp_path: Path) -> None:
    sample = spheres.make_sample(0, people=1)
    sample.people = [replace(sample.people[0], motion="x" * 100_000, body="y" * 100_000)] * 200
    sample.clip = "z" * 10**6
    corpus = spheres.write_corpus(
        tmp_path / "c", [sample], configuration={"long": "w" * 10**6}, skipped=(("v" * 10**6, "u" * 10**6),)
    )
    report = write_report(corpus, tmp_path / "r.html")
    assert len(data_of(report)["samples"][0]["people"]) == 64
    assert report.stat().st_size < 1_000_000
