"""The report as a person meets it: in a browser, with no network, made from a corpus that means harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from posecorpus.core.parts import SMPL_24_PARTS
from posecorpus.core.skeletons import FULL_42
from posecorpus.inspect.overlays import INSTANCE_COLOURS, LEFT, RIGHT
from posecorpus.inspect.report import write_report

pytestmark = pytest.mark.browser
ATTACK = "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>{{script}}"


@pytest.fixture(scope="module")
def report(spheres: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    samples = [spheres.make_sample(i) for i in range(12)]
    corpus = spheres.write_corpus(
        folder / "corpus", samples, skipped=(("walk.amc", "line 7: expected 3 numbers, got 2"),)
    )
    return write_report(corpus, folder / "report.html")


def changed(before: np.ndarray, after: np.ndarray) -> float:
    """Share of pixels that differ visibly."""
    return float((np.abs(before - after).max(-1) > 12).mean())


def test_opens_offline_without_a_complaint(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.js("scrollTo(0, document.body.scrollHeight)")
    assert page.complaints() == []
    assert page.requests() == [report.as_uri()]
    assert page.js("return document.title") == "corpus · posecorpus"
    assert len(page.texts(".cell")) == 12
    assert "walk.amc" in page.texts("#skipped")[0]


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_sideways(report: Path, open_page: Callable, width: int) -> None:
    page = open_page(report, width, 860)
    assert page.js("return document.documentElement.scrollWidth") <= width
    assert (
        page.js(
            "return [...document.querySelectorAll('.card,.cell,.stage,.toolbar')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1).length"
        )
        == 0
    )


def test_layers_switch_by_button_and_by_key(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.click("#joints")
    plain = page.picture(".cell .tile")
    seen = [plain]
    for key, layer in enumerate(["parts", "instances", "depth", "normals", "flow"], 1):
        page.click(f"#layers button[data-value={layer}]")
        page.wait("[...document.images].every((image) => image.complete)")
        by_button = page.picture(".cell .tile")
        assert all(changed(by_button, other) > 0.01 for other in seen), layer
        seen.append(by_button)
        page.press("0")
        assert changed(page.picture(".cell .tile"), plain) == 0
        page.press(str(key))
        page.wait("[...document.images].every((image) => image.complete)")
        assert changed(page.picture(".cell .tile"), by_button) == 0
    page.press("j")
    assert changed(page.picture(".cell .tile"), seen[-1]) > 0.005
    assert page.js("return document.getElementById('joints').ariaPressed") == "true"
    assert page.complaints() == []


def test_layers_lie_where_their_labels_are(
    spheres: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    sample = spheres.make_sample(2)
    page = open_page(write_report(spheres.write_corpus(tmp_path / "c", [sample]), tmp_path / "r.html"))
    page.js(
        "const o = document.getElementById('opacity'); o.value = 100; o.dispatchEvent(new Event('input'))"
    )
    page.click("#joints")
    page.click(".cell")
    page.press("1")
    page.wait("[...document.images].every((image) => image.complete)")
    shown = page.picture("#zoomtile")
    scale = shown.shape[1] / sample.width
    size = np.ones((5, 5), np.uint8)
    inner = (cv2.erode(sample.parts, size) == cv2.dilate(sample.parts, size)) & (sample.parts > 0)
    rows, columns = np.nonzero(inner)  # away from borders between parts, where the screen's scaling blends
    assert len(rows) > 500
    seen = shown[((rows + 0.5) * scale).astype(int), ((columns + 0.5) * scale).astype(int)]
    assert np.abs(seen - SMPL_24_PARTS.palette_table[sample.parts[rows, columns]]).max() <= 2


def test_close_up_fills_the_tiles_with_people(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.click("#joints")
    page.press("2")
    page.js(
        "const o = document.getElementById('opacity'); o.value = 100; o.dispatchEvent(new Event('input'))"
    )
    page.wait("[...document.images].every((image) => image.complete)")

    def people() -> np.ndarray:
        shown = page.picture(".cell .tile")
        return np.min([np.abs(shown - colour).max(-1) for colour in INSTANCE_COLOURS], axis=0) < 6

    far = people()
    page.press("c")
    near = people()
    assert near.sum() > 1.3 * far.sum()
    reach = [np.ptp(np.flatnonzero(near.any(axis))) / near.shape[1 - axis] for axis in (0, 1)]
    assert 0.7 < max(reach) < 1, "they fill the tile and nobody is cut off"


def test_a_click_enlarges_and_arrows_leaf_through(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.click(".cell[data-index='4']")
    assert page.texts("#zoomkey") == ["000004"]
    large = page.js("return document.getElementById('zoomtile').getBoundingClientRect().width")
    assert large > 800
    page.press("\ue014")  # right arrow
    assert page.texts("#zoomkey") == ["000005"]
    page.click("#tospace")
    assert not page.js("return document.getElementById('zoom').open")
    assert page.js("return document.getElementById('pick').selectedOptions[0].text").startswith("000005")


def test_3d_view_draws_orbits_and_changes_sample(report: Path, open_page: Callable) -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    page = open_page(report)
    first = page.canvas()
    assert (first[..., 3] > 0).mean() > 0.02
    canvas = page.driver.find_element("css selector", "#view")
    webdriver.ActionChains(page.driver).drag_and_drop_by_offset(canvas, 180, -40).perform()
    turned = page.canvas()
    assert changed(first, turned) > 0.02
    page.click("#colouring button[data-value=part]")
    assert changed(turned, page.canvas()) > 0.005
    page.js(
        "const pick = document.getElementById('pick'); pick.selectedIndex = 6; pick.dispatchEvent(new Event('change'))"
    )
    assert page.texts("#readout")[0].startswith("000006")
    assert changed(turned, page.canvas()) > 0.01
    assert page.complaints() == []


def test_seen_from_the_camera_3d_joints_lie_on_the_2d_joints(
    spheres: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    sample = spheres.make_sample(0, people=1)
    page = open_page(write_report(spheres.write_corpus(tmp_path / "c", [sample]), tmp_path / "r.html"))
    page.click("#colouring button[data-value=off]")
    page.click("#views button[data-view=camera]")
    shown = page.canvas()
    scale = shown.shape[0] / sample.height  # the picture's height fills the view
    for joint, colour in {"l_wrist": LEFT, "r_ankle": RIGHT, "l_knee": LEFT, "r_elbow": RIGHT}.items():
        x, y = sample.people[0].joints2d[FULL_42.index(joint)]
        column = round(shown.shape[1] / 2 + (float(x) - sample.width / 2) * scale)
        assert np.abs(shown[round(float(y) * scale), column, :3] - colour).max() < 40, joint


def test_a_hostile_corpus_is_shown_as_text(
    spheres: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    samples = [spheres.make_photo(i, ATTACK) for i in range(3)] + [spheres.make_sample(0)]
    samples[3].people[0].motion = samples[3].people[0].body = ATTACK
    samples[3].people[0].joints2d[:5] = 3e38
    samples[3].people[0].joints3d[:5] = np.nan
    corpus = spheres.write_corpus(
        tmp_path / "<img src=x onerror='window.harmed=1'>", samples,
        configuration={ATTACK: [ATTACK, 1]}, skipped=((ATTACK, ATTACK),),
    )  # fmt: skip
    page = open_page(write_report(corpus, tmp_path / "r.html"))
    page.click(".cell")
    assert page.complaints() == [] and page.requests() == [(tmp_path / "r.html").as_uri()]
    assert page.js(
        "return [window.harmed ?? null, document.querySelectorAll('img[src=x]').length, document.scripts.length]"
    ) == [None, 0, 2]
    assert ATTACK in page.js("return document.getElementById('zoomfacts').textContent")
    page.press("\ue00c")  # Escape
    assert page.texts("h1") == ["<img src=x onerror='window.harmed=1'>"]
    assert page.texts("#skipped td") == [ATTACK, ATTACK]
    assert ATTACK in page.js("return document.getElementById('configuration').textContent").replace(
        '\\"', '"'
    )


def test_the_policy_stops_a_script_that_slips_in(report: Path, open_page: Callable, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(
        report.read_text().replace(
            "<main>", "<main><script>window.harmed = 1</script><img src='https://example.org/x.png'>"
        )
    )
    page = open_page(spoilt)
    assert page.js("return window.harmed ?? null") is None
    assert len(page.complaints()) == 2, "one refusal for the script, one for the picture"


def test_photos_without_3d_or_masks_give_a_sensible_page(
    spheres: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    photos = [spheres.make_photo(i) for i in range(6)]
    photos[2].image = None
    page = open_page(write_report(spheres.write_corpus(tmp_path / "c", photos), tmp_path / "r.html"))
    assert page.complaints() == []
    assert "No pictured sample has joints in 3D" in page.texts("#space")[0]
    assert not page.js("return document.getElementById('layers').checkVisibility()"), (
        "there is no layer to choose"
    )
    assert page.texts(".empty") == ["no picture"]
    titles = page.js(
        "return [...document.querySelectorAll('[data-chart]')].map((card) => card.dataset.chart)"
    )
    assert "Visibility of joints" in titles and "Facing" not in titles and "Parts" not in titles


def test_an_empty_corpus_gives_a_page(spheres: SimpleNamespace, tmp_path: Path, open_page: Callable) -> None:
    page = open_page(write_report(spheres.write_corpus(tmp_path / "c", []), tmp_path / "r.html"))
    assert page.complaints() == [] and "no samples" in page.texts("#sheet")[0]


def test_dark_and_light(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.js("document.documentElement.dataset.theme = 'light'")
    light = page.picture("#summary").mean()
    page.press("t")
    assert light > 200 and page.picture("#summary").mean() < 70
