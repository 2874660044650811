"""What the page on anchors says, held against the anchors themselves."""

from __future__ import annotations

import base64
import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from posecorpus.anchors.bank import Anchors, save_anchors
from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import COCO_17, FULL_42, LCR_13
from posecorpus.inspect.anchor_page import write_anchor_page
from posecorpus.inspect.anchor_page.order import MAX_OPTIMAL, pose_map, similarity_order
from posecorpus.inspect.anchor_page.records import MAX_NAME, MAX_SHOWN
from posecorpus.inspect.anchor_page.words import STEEP_DEG, descriptions, facing
from posecorpus.pipelines.cli import app

made = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("conftest.py"))))


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text()
    start = text.index('id="data">') + len('id="data">')
    return json.loads(text[start : text.index("</script>", start)])


def unpacked(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


@pytest.fixture
def told(anchors: Anchors, saved: Callable[..., Path], tmp_path: Path) -> dict[str, Any]:
    return data_of(write_anchor_page(saved(anchors), tmp_path / "deep" / "page.html"))


def test_the_page_holds_the_arrays_bit_for_bit(anchors: Anchors, told: dict[str, Any]) -> None:
    page, count = told["anchors"], len(anchors)
    for name in ("poses3d", "near", "far"):
        np.testing.assert_array_equal(unpacked(page[name], count, 13, 3), getattr(anchors, name))
    np.testing.assert_array_equal(unpacked(page["full2d"], count, 13, 2), anchors.poses2d[:count])
    np.testing.assert_array_equal(unpacked(page["upper2d"], count, 13, 2), anchors.poses2d[count:])
    assert page["counts"] == anchors.counts.tolist()
    np.testing.assert_allclose(page["spreadMm"], 1e3 * anchors.spread_m, atol=0.0051)
    np.testing.assert_allclose(page["farthestMm"], 1e3 * anchors.farthest_m, atol=0.0051)
    assert (page["nearNames"], page["farNames"]) == (list(anchors.near_names), list(anchors.far_names))
    assert sorted(page["order"]) == page["number"] == list(range(count))
    x, y = (np.ptp(anchors.poses3d[..., axis], axis=1) for axis in (0, 1))
    np.testing.assert_allclose(page["ratios"], np.clip(x / y, 0.2, 5), rtol=1e-3)


def test_charts_count_every_anchor_and_every_pose(anchors: Anchors, told: dict[str, Any]) -> None:
    charts = {chart["title"]: chart for chart in told["charts"]}
    assert sum(charts["Population"]["counts"]) == len(anchors)
    assert charts["Population"]["edges"][0] == anchors.counts.min()
    spread = charts["Spread within clusters"]
    expected = np.histogram(1e3 * anchors.spread_m, spread["edges"])[0]
    assert spread["edges"][-1] == 150 and np.abs(spread["counts"] - expected).sum() <= 2  # edges are rounded
    lying = anchors.counts[22]
    assert sum(charts["Facing"]["counts"]) == anchors.counts.sum() - lying
    assert charts["Elbow"]["points"] == [[6, 40.0], [12, 25.0], [24, 12.5]]
    coverage, drift = charts["Coverage and drift"]["parts"]
    assert [item["values"] for item in coverage["items"]] == [[20], [100], [175]] and coverage["total"] == 200
    assert "120 mm" in coverage["note"] and "3 anchors" in coverage["note"]
    assert [item["values"] for item in drift["items"]] == [[20], [30], [400]]
    assert [item["values"][0] for item in charts["Sources"]["items"]] == [anchors.counts.sum() - 5, 5]
    figures = {label: value for value, label in told["figures"]}
    mean = np.average(anchors.spread_m, weights=anchors.counts)
    assert figures["from a pose to its anchor, mean"] == f"{1e3 * mean:.0f} mm"
    assert figures["to the farthest member"] == "500 mm"
    assert figures["to another seed's anchors, mean"] == "30 mm"
    assert figures["of held-out poses within 150 mm"] == "88%"
    assert "seed 3" in told["story"] and "7 poses lacked a joint" in told["story"]


@pytest.mark.parametrize("count", [1, 2, 3, 40, MAX_OPTIMAL + 1])
def test_poses_along_a_line_are_ordered_along_it(count: int) -> None:
    rng = np.random.default_rng(count)
    along = rng.permutation(count)
    poses = np.tile(made.standing(), (count, 1, 1)) + 0.01 * along[:, None, None]
    found = along[similarity_order(poses)]
    assert sorted(found) == list(range(count))
    if count <= MAX_OPTIMAL:
        assert np.abs(np.diff(found)).max(initial=1) == 1, "each stands beside its neighbours"
    else:
        assert np.abs(np.diff(found)).mean() < count / 50, "of another order it would be a third of the count"


def test_kinds_of_poses_stay_together(anchors: Anchors) -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 60)
    poses = np.stack([made.turned(made.standing(), 90 * k) for k in kind]) + rng.normal(0, 0.01, (60, 13, 3))
    ordered = kind[similarity_order(poses)]
    assert (np.diff(ordered) != 0).sum() == 3


def test_the_map_keeps_distances_of_what_is_flat() -> None:
    rng = np.random.default_rng(1)
    flat, axes = rng.normal(size=(50, 2)), np.linalg.qr(rng.normal(size=(39, 2)))[0]
    poses = (flat @ axes.T + rng.normal(size=39)).reshape(50, 13, 3)
    counts = rng.integers(1, 9, 50)
    found = pose_map(poses, counts)
    apart, expected = (np.linalg.norm(p[:, None] - p, axis=-1) for p in (found, flat))
    np.testing.assert_allclose(apart, expected, atol=1e-9)
    np.testing.assert_allclose(counts @ found, 0, atol=1e-9)  # its origin is the mean of all poses
    assert np.average(found[:, 0] ** 2, weights=counts) >= np.average(found[:, 1] ** 2, weights=counts)
    assert pose_map(poses[:1], counts[:1]).tolist() == [[0, 0]]


def test_facing_is_the_angle_that_a_person_was_turned_by() -> None:
    angles = np.arange(0, 360, 7.5)
    poses = np.stack([made.turned(made.standing(), angle) for angle in angles])
    np.testing.assert_allclose((facing(poses, LCR_13) - angles + 180) % 360 - 180, 0, atol=1e-9)
    words = dict(zip(angles, descriptions(poses, LCR_13), strict=True))
    assert words[0] == "towards the camera" and words[90] == "to the right" and words[180] == "away"
    assert words[270] == "to the left" and words[45] == "towards, to the right" == words[60]
    assert words[337.5 + 7.5] == "towards the camera" and words[307.5] == "towards, to the left"


def test_torsos_that_do_not_stand_are_said_to() -> None:
    tilts = {-90: "lying, chest up", 90: "lying, chest down", -45: "leaning, towards the camera", 180: "upside down, away"}  # fmt: skip
    for degrees, words in tilts.items():
        assert descriptions(made.turned(made.standing(), degrees, "x")[None], LCR_13) == [words]
    for tilt, known in ((STEEP_DEG - 1, True), (STEEP_DEG + 1, False)):
        assert np.isfinite(facing(made.turned(made.standing(), -tilt, "x")[None], LCR_13))[0] == known
    flat = np.zeros((1, 13, 3))
    assert descriptions(flat, LCR_13) == [""] and np.isnan(facing(flat, LCR_13))[0]


def many(shape: Any, count: int) -> Anchors:
    """Anchors of noise, as large as they come."""
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(count, len(shape), 3)).astype(np.float32)
    ones = np.ones(count)
    return Anchors(
        skeleton=shape, poses3d=poses, poses2d=rng.random((2 * count, len(shape), 2), np.float32), counts=np.arange(count),
        spread_m=ones, farthest_m=ones, near=poses, far=poses, near_names=("n" * 300,) * count, far_names=("f" * 300,) * count,
        sources={f"{'s' * 300}{i}": 1 for i in range(2000)}, seed=0, inertia=1.0,
    )  # fmt: skip


def test_a_thousand_anchors_are_less_than_five_megabytes(tmp_path: Path) -> None:
    save_anchors(many(FULL_42, 1000), tmp_path / "a.npz")
    page = write_anchor_page(tmp_path / "a.npz", tmp_path / "a.html")
    assert page.stat().st_size < 5e6
    assert {len(name) for name in data_of(page)["anchors"]["nearNames"]} == {MAX_NAME}


def test_of_too_many_the_most_populated_are_shown(tmp_path: Path) -> None:
    whole = many(LCR_13, MAX_SHOWN + 30)
    save_anchors(whole, tmp_path / "a.npz")
    told = data_of(write_anchor_page(tmp_path / "a.npz", tmp_path / "a.html"))
    assert told["anchors"]["number"] == list(range(30, MAX_SHOWN + 30)) and told["leftOut"] == 30
    np.testing.assert_array_equal(unpacked(told["anchors"]["poses3d"], MAX_SHOWN, 13, 3), whole.poses3d[30:])


def test_same_anchors_same_bytes(anchors: Anchors, saved: Callable[..., Path], tmp_path: Path) -> None:
    path = saved(anchors)
    pages = [write_anchor_page(path, tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1]


def test_numbers_that_mean_harm_give_a_page(
    anchors: Anchors, saved: Callable[..., Path], tmp_path: Path
) -> None:
    wild = replace(
        anchors, counts=np.full(24, 1e300), spread_m=np.full(24, 1.7e308), farthest_m=np.full(24, -1.7e308),
        poses3d=np.full((24, 13, 3), 1e300), far=np.full((24, 13, 3), -3e38), inertia=1.7e308, sources={"": -5},
    )  # fmt: skip
    told = data_of(write_anchor_page(saved(wild), tmp_path / "page.html"))
    assert np.isfinite(unpacked(told["anchors"]["poses3d"], 24, 13, 3)).all()
    assert told["anchors"]["facing"] == [None] * 24


def test_joint_sets_without_a_head_and_without_figures(tmp_path: Path) -> None:
    save_anchors(replace(many(COCO_17, 1), poses2d=np.zeros((1, 17, 2), np.float32)), tmp_path / "a.npz")
    told = data_of(write_anchor_page(tmp_path / "a.npz", tmp_path / "a.html"))
    assert told["anchors"]["upper2d"] is None and told["anchors"]["order"] == [0]
    titles = [chart["title"] for chart in told["charts"]]
    assert "Population" in titles and "Elbow" not in titles and "Coverage and drift" not in titles
    assert "no .quality.json" in told["basis"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "the whole"),
        ("[]", "the whole"),
        (made.QUALITY.replace("0.875", "1.5"), r"held_out\.within\.2"),
        (made.QUALITY.replace("[0.1, 0.5, 0.875]", "[0.1]"), "3 radii but 1 shares"),
        (made.QUALITY.replace("0.03", "NaN"), r"drift_to_next_seed\.mean_m"),
        (made.QUALITY.replace("40.0", "-1"), r"elbow\.0\.1"),
        (made.QUALITY + " " * (1 << 20), "at most 1 MB"),
    ],
)
def test_broken_figures_are_named(
    anchors: Anchors, saved: Callable[..., Path], tmp_path: Path, text: str, match: str
) -> None:
    with pytest.raises(InputError, match=rf"anchors\.quality\.json: .*{match}"):
        write_anchor_page(saved(anchors, text), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_command_tells_anchors_from_corpora(
    anchors: Anchors, saved: Callable[..., Path], tmp_path: Path, spheres: SimpleNamespace
) -> None:
    def run(*arguments: object) -> Any:
        return CliRunner().invoke(
            app, ["inspect", *map(str, arguments), "--out", str(tmp_path / "page.html")]
        )

    path = saved(anchors)
    done = run(path)
    assert done.exit_code == 0 and done.output.strip() == str(tmp_path / "page.html")
    assert len(data_of(tmp_path / "page.html")["anchors"]["counts"]) == 24
    spheres.write_corpus(tmp_path / "odd.npz", [spheres.make_sample(0)])
    assert run(tmp_path / "odd.npz").exit_code == 0
    assert len(data_of(tmp_path / "page.html")["samples"]) == 1
    (tmp_path / "page.html").unlink()
    (tmp_path / "noise.npz").write_bytes(b"PK no more")
    for wrong, where in (
        (tmp_path / "none.npz", "none.npz: expected a file of anchors, got no such file"),
        (tmp_path / "noise.npz", "noise.json: expected"),
        (
            path.with_suffix(".json"),
            "anchors.json: expected a folder or URL of a corpus, or a file of anchors",
        ),
        (tmp_path / "nothing", "manifest.json: expected"),
    ):
        done = run(wrong)
        assert isinstance(done.exception, InputError) and where in str(done.exception), done.output
        assert not (tmp_path / "page.html").exists()
