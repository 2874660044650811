"""The report on a lifted corpus as a person meets it, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from posecorpus.core.sample import UNLABELLED
from posecorpus.core.skeletons import skeleton
from posecorpus.core.sticks import PALETTE_TABLE
from posecorpus.inspect.overlays import LEFT, RIGHT
from posecorpus.inspect.report import write_report

pytestmark = pytest.mark.browser
ATTACK = "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>{{script}}"
COUNT = 12


@pytest.fixture(scope="module")
def report(lifted: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifted")
    samples = [lifted.make_lifted(i) for i in range(COUNT)]
    samples[3].people = [lifted.refused(person) for person in samples[3].people]
    samples[3].skeleton_maps = []
    return write_report(lifted.write_lifted(folder / "corpus", samples), folder / "report.html")


def changed(before: np.ndarray, after: np.ndarray) -> float:
    """Share of pixels that differ visibly."""
    return float((np.abs(before - after).max(-1) > 12).mean())


def choose(page: SimpleNamespace, selector: str, value: object) -> None:
    page.js(
        f"const s = document.querySelector('{selector}'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
        str(value),
    )


def keys(page: SimpleNamespace) -> list[str]:
    return page.texts(".cell b")


def test_the_best_the_middle_and_the_worst_have_headings(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    assert page.complaints() == [] and page.requests() == [report.as_uri()]
    headings = page.js(
        "return [...document.querySelectorAll('.heading')].map((n) => n.firstChild.textContent)"
    )
    assert headings == ["Most trusted", "Around the median", "Least trusted", "Not lifted"]
    between = page.js(
        "return [...document.getElementById('sheet').children].map((n) => n.matches('.heading') ? 'h' : 'c').join('')"
    )
    assert between == "hcccchcccchccchc"
    assert len(page.texts(".cell .trust")) == COUNT - 1 and "photo-003" in keys(page)[-1]


def test_orders_are_by_the_numbers_beside_the_pictures(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.press("c")
    worst = "Math.max(...s.people.filter((p) => p.lift).map((p) => p.lift.{}))"
    for order, what, sign in (
        ("best", worst.format("error"), 1),
        ("worst", worst.format("error"), -1),
        ("wrong", worst.format("measured"), -1),
        ("near", worst.format("distance"), 1),
        ("loose", worst.format("residualTorso"), -1),
    ):
        choose(page, "#order", order)
        assert page.texts(".heading") == []
        values = page.js(
            "const data = JSON.parse(document.getElementById('data').textContent);"
            f"const by = Object.fromEntries(data.samples.map((s) => [s.key, {what}]));"
            "return [...document.querySelectorAll('.cell b')].map((n) => by[n.textContent])"
        )
        known = [value for value in values if value is not None]  # -Infinity of the one not lifted
        assert len(values) == COUNT and values[-1] is None and len(known) == COUNT - 1
        assert (np.diff(known) * sign >= 0).all(), order
    choose(page, "#order", "corpus")
    assert keys(page) == [f"photo-{i:03d}" for i in range(COUNT)]
    page.click(".cell[data-index='0']")
    first = page.texts("#zoomkey")[0]
    page.press("\ue014")  # right arrow: along the order that is shown
    assert page.texts("#zoomkey")[0] == f"photo-{int(first[-3:]) + 1:03d}"


def test_completed_joints_are_drawn_apart_and_say_so(
    lifted: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    sample = next(
        sample for i in range(9) if (sample := lifted.make_lifted(i, people=1)).people[0].lift.completed.any()
    )
    page = open_page(write_report(lifted.write_lifted(tmp_path / "c", [sample]), tmp_path / "r.html"))
    person = sample.people[0]
    names = skeleton(person.skeleton).joints
    completed = [names[j] for j in np.flatnonzero(person.lift.completed)]
    titles = page.js(
        "return [...document.querySelectorAll('.cell .tile path.completed title')].map((n) => n.textContent)"
    )
    assert sorted(title.split()[0] for title in titles) == sorted(completed)
    assert all("completed, predicted error" in title for title in titles)
    discs = page.js("return document.querySelectorAll('.cell .tile circle').length")
    assert discs == len(names) - len(completed)
    page.click(".cell")
    facts = page.js("return document.getElementById('zoompeople').textContent")
    assert f"{person.lift.pose_error_mm:.1f}".rstrip("0").rstrip(".") in facts
    assert all(name.replace("_", " ") in facts for name in completed) and "Matched" in facts


def test_who_is_not_lifted_is_told_why(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.js(f"document.querySelector('.cell[data-index=\"{COUNT - 1}\"]').click()")
    assert page.texts("#zoomkey") == ["photo-003"]
    sample = page.js("return document.getElementById('zoompeople').textContent")
    assert "Predicted error" not in sample
    page.press("\ue00c")  # Escape
    index = page.js(
        "const data = JSON.parse(document.getElementById('data').textContent);"
        "return data.samples.findIndex((s) => Object.keys(s.refused).length)"
    )
    page.js(f"document.querySelector('.cell[data-index=\"{index}\"]').click()")
    assert "3 annotated joints" in page.js("return document.getElementById('zoompeople').textContent")


def test_small_3d_views_turn_together_and_show_hypotheses(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    page.js("document.getElementById('sheet').scrollIntoView()")
    page.wait("[...document.querySelectorAll('canvas.mini')].some((c) => c.width > 100)")

    def mini() -> np.ndarray:
        page.js("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return page.picture(".cell[data-index='1'] canvas.mini")

    before = mini()
    assert (np.abs(before - before[2, 2]).max(-1) > 30).mean() > 0.005
    page.js("const t = document.getElementById('turn'); t.value = -20; t.dispatchEvent(new Event('input'))")
    turned = mini()
    assert changed(before, turned) > 0.01
    page.js("document.getElementById('hypotheses').click()")
    assert 0 < changed(turned, mini()) < 0.5
    page.click("#minis")
    assert not page.js("return document.querySelector('canvas.mini').checkVisibility()")
    assert page.complaints() == []


def test_seen_from_the_camera_lifted_joints_lie_on_the_picture(
    lifted: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    sample = lifted.make_lifted(3, people=1)
    page = open_page(write_report(lifted.write_lifted(tmp_path / "c", [sample]), tmp_path / "r.html"))
    page.click("#views button[data-view=camera]")
    person = sample.people[0]
    pixels = sample.camera.project_camera(person.joints3d)[0]
    shown = page.canvas()
    scale = shown.shape[0] / sample.height
    seen = 0
    for joint, (x, y), completed in zip(
        skeleton(person.skeleton).joints, pixels, person.lift.completed, strict=True
    ):
        colour = {"l_": LEFT, "r_": RIGHT}.get(joint[:2])
        if colour is None or completed or "ear" in joint or "eye" in joint:
            continue
        row, column = round(y * scale), round(shown.shape[1] / 2 + (x - sample.width / 2) * scale)
        around = shown[row - 3 : row + 4, column - 3 : column + 4, :3].reshape(-1, 3)
        seen += np.abs(around - colour).max(-1).min() < 40
    assert seen >= 7, "some are behind others"
    head = page.canvas()[: shown.shape[0] // 2, :, 3]
    assert (head > 0).any(), "upright: the person stands, the head is above"


def test_hypotheses_lie_behind_and_can_be_hidden(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    with_them = page.canvas()
    page.click("#hypotheses")
    without = page.canvas()
    differs = np.abs(with_them - without).max(-1) > 8
    assert 0.0005 < differs.mean() < 0.3
    strong = (np.abs(without[..., :3] - LEFT).max(-1) < 12) & (without[..., 3] > 250)
    assert strong.sum() > 50 and not differs[strong].any(), "they are behind the lifted pose"
    assert page.js("return document.getElementById('hypotheses').ariaPressed") == "false"


def test_one_of_several_people_can_be_looked_at_alone(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    index = page.js(
        "const data = JSON.parse(document.getElementById('data').textContent);"
        "return data.spaces.findIndex((s) => s && s.people.length > 1)"
    )
    choose(page, "#pick", index)
    everyone = page.canvas()
    assert page.js("return document.getElementById('focus').checkVisibility()")
    who = page.js("return document.getElementById('focus').options[1].value")
    choose(page, "#focus", who)
    assert changed(everyone, page.canvas()) > 0.005
    assert page.js("return document.querySelector('#insettile img').complete")


def test_skeleton_maps_lie_where_their_windows_are(
    lifted: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    sample = lifted.make_lifted(1, people=1)
    page = open_page(write_report(lifted.write_lifted(tmp_path / "c", [sample]), tmp_path / "r.html"))
    page.js(
        "const o = document.getElementById('opacity'); o.value = 100; o.dispatchEvent(new Event('input'))"
    )
    page.click("#joints"), page.click("#closeup")
    page.click("#layers button[data-value=sticks]")
    options = page.texts("#stack option")
    assert options == [f"{w} px wide, window {r} of 2" for w in (3, 7) for r in (1, 2)]
    page.click(".cell")
    pictures = []
    for place, side in ((0, "front"), (3, "back")):
        choose(page, "#stack", place)
        page.js(f"document.querySelector('#side button[data-value={side}]').click()")
        page.wait("[...document.images].every((image) => image.complete)")
        maps = [drawn for drawn in sample.skeleton_maps if drawn.stick_px == (3, 3, 7, 7)[place]]
        drawn = sorted(maps, key=lambda m: m.window[2] - m.window[0])[place % 2]
        ids = drawn.foreground if side == "front" else drawn.background
        shown = page.picture("#zoomtile")
        pictures.append(shown)
        scale = shown.shape[1] / sample.width
        rows, columns = np.nonzero(ids)
        size = (drawn.window[2] - drawn.window[0]) / len(ids)
        x = (drawn.window[0] + (columns + 0.5) * size) * scale
        y = (drawn.window[1] + (rows + 0.5) * size) * scale
        inside = (x > 2) & (y > 2) & (x < shown.shape[1] - 2) & (y < shown.shape[0] - 2)
        seen = shown[y[inside].astype(int), x[inside].astype(int)]
        right = np.abs(seen - PALETTE_TABLE[ids[rows, columns]][inside]).max(-1) <= 3
        assert inside.sum() > 200 and right.mean() > 0.98, (place, side)
    assert changed(*pictures) > 0.005


def test_reliability_is_drawn_and_dots_open_their_sample(report: Path, open_page: Callable) -> None:
    page = open_page(report)
    assert page.js("return document.querySelectorAll('[data-chart=Reliability] polyline').length") >= 1
    assert page.js("return document.querySelectorAll('[data-chart=Reliability] .diagonal').length") == 1
    assert page.js("return document.querySelectorAll('[data-chart=Interval] .track b').length") >= 7
    page.js(
        "document.querySelector('[data-chart=\"Predicted and measured\"] circle.dot').dispatchEvent(new Event('click'))"
    )
    assert page.js("return document.getElementById('zoom').open")
    assert page.complaints() == []


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_sideways(report: Path, open_page: Callable, width: int) -> None:
    page = open_page(report, width, 860)
    page.click("#layers button[data-value=sticks]")
    assert page.js("return document.documentElement.scrollWidth") <= width
    wide = "[...document.querySelectorAll('.card,.cell,.stage,.toolbar,.bar,.bar *')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1)"
    assert page.js(f"return {wide}.length") == 0


def test_a_hostile_lifted_corpus_is_shown_as_text(
    lifted: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    samples = [lifted.make_lifted(i, people=2) for i in range(3)]
    for sample in samples:
        sample.provenance = {ATTACK: ATTACK, "refused": {"0": ATTACK, "1": ATTACK, "x": 1}}
        for person in sample.people:
            person.motion = ATTACK
    samples[0].people[0].lift.method = ATTACK
    samples[1].people[0].lift.hypotheses[:] = 3e38
    samples[1].people[0].joints3d[:] = np.nan
    samples[1].people[0].lift.pose_error_mm = float("nan")
    samples[2].people[0].visibility[:] = UNLABELLED
    samples[2].people[0].joints2d[:] = np.nan
    samples[2].people[0].bbox[:] = np.nan
    samples[2].skeleton_maps[0].window[:] = 3e38
    trust = lifted.RELIABILITY | {"coverage_by_source": {ATTACK: 0.9}, "note": ATTACK}
    corpus = lifted.write_lifted(tmp_path / "c", samples, trust=trust, configuration={ATTACK: ATTACK})
    page = open_page(write_report(corpus, tmp_path / "r.html"))
    page.press("3")
    for index in range(3):
        page.js(f"document.querySelector('.cell[data-index=\"{index}\"]').click()")
    assert ATTACK in page.js("return document.getElementById('zoomfacts').textContent")
    page.press("\ue00c")
    for index in range(3):
        choose(page, "#pick", index)
    for order in page.js("return [...document.getElementById('order').options].map((o) => o.value)"):
        choose(page, "#order", order)
    assert page.complaints() == [] and page.requests() == [(tmp_path / "r.html").as_uri()]
    assert page.js(
        "return [window.harmed ?? null, document.querySelectorAll('img[src=x]').length, document.scripts.length]"
    ) == [None, 0, 2]


def test_annotations_without_pixels_are_lifted_pages_too(
    lifted: SimpleNamespace, tmp_path: Path, open_page: Callable
) -> None:
    samples = [lifted.make_lifted(i, drawn=False, measured=False) for i in range(4)]
    for sample in samples:
        sample.image = None
    corpus = lifted.write_lifted(tmp_path / "c", samples, trust=None)
    page = open_page(write_report(corpus, tmp_path / "r.html"))
    assert page.complaints() == [] and len(page.texts(".cell .trust")) == 4
    assert not page.js("return document.querySelector('#order option[value=wrong]')")
    titles = page.js("return [...document.querySelectorAll('[data-chart]')].map((n) => n.dataset.chart)")
    assert "Predicted error" in titles and "Reliability" not in titles and "Interval" not in titles
