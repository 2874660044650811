"""The page on anchors as a person meets it: drawn where the numbers are, turned, sorted, and closed to harm."""

from __future__ import annotations

import base64
import runpy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from posecorpus.anchors.bank import Anchors
from posecorpus.anchors.distance import pose_distances
from posecorpus.core.skeletons import LCR_13
from posecorpus.inspect.anchor_page import write_anchor_page
from posecorpus.inspect.joint_drawing import LEFT, MIDDLE, RIGHT

pytestmark = pytest.mark.browser
ATTACK = "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>{{script}}"
made = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("conftest.py"))))


@pytest.fixture
def page(anchors: Anchors, saved: Callable[..., Path], open_page: Callable, tmp_path: Path) -> Any:
    return open_page(write_anchor_page(saved(anchors), tmp_path / "page.html"))


def drawn(page: Any, selector: str) -> np.ndarray:
    """(H, W, 4) pixels of a canvas."""
    page.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
    page.wait(f'document.querySelector("{selector}").width > 1')
    time.sleep(0.2)  # some animation frames, with a margin
    width, height, data = page.js(
        "const c = document.querySelector(arguments[0]), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let s = ''; for (let i = 0; i < d.length; i += 8192) s += String.fromCharCode(...d.subarray(i, i + 8192));"
        "return [c.width, c.height, btoa(s)];", selector,
    )  # fmt: skip
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4).astype(int)


def middle(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(x, y) of the middle of the pixels of a colour, as shares of the picture."""
    rows, columns = np.nonzero((np.abs(picture[..., :3] - colour).max(-1) < 40) & (picture[..., 3] > 200))
    assert len(rows) > 8
    return np.array([columns.mean() / picture.shape[1], rows.mean() / picture.shape[0]])


def solid(place: int) -> str:
    return f".anchor[data-place='{place}'] .solid"


def choose(page: Any, name: str, value: object, event: str) -> None:
    page.js(
        "const n = document.getElementById(arguments[0]); n.value = arguments[1]; n.dispatchEvent(new Event(arguments[2]))",
        name, str(value), event,
    )  # fmt: skip


def shown(page: Any) -> list[int]:
    return page.js(
        "return [...document.querySelectorAll('.anchor')].map((card) => Number(card.dataset.place))"
    )


def test_every_card_says_what_the_arrays_say(anchors: Anchors, page: Any) -> None:
    cards = page.js(
        "return [...document.querySelectorAll('.anchor')].map((c) => [c.dataset.place, c.querySelector('.count').textContent,"
        "...[...c.querySelectorAll('.measure')].map((m) => m.textContent), ...[...c.querySelectorAll('.member')].map((m) => m.textContent),"
        "c.querySelector('.population i').style.width])"
    )
    assert len(cards) == len(anchors)
    for place, count, spread, farthest, near, far, bar in cards:
        k = int(place)
        share = 100 * anchors.counts[k] / anchors.counts.sum()
        assert count == f"{anchors.counts[k]} {share:.1f} %"
        assert spread == f"spread {1e3 * anchors.spread_m[k]:.0f} mm"
        assert farthest == f"farthest {1e3 * anchors.farthest_m[k]:.0f} mm"
        assert (near, far) == (anchors.near_names[k], anchors.far_names[k])
        assert float(bar[:-1]) == pytest.approx(100 * anchors.counts[k] / anchors.counts.max(), abs=0.01)
    assert page.complaints() == []
    assert [r.rsplit("/", 1)[1] for r in page.requests()] == ["page.html"]


def test_orders_and_filters(anchors: Anchors, page: Any) -> None:
    assert shown(page) == np.argsort(-anchors.counts).tolist()
    keys = {
        "rare": anchors.counts, "spread": -anchors.spread_m, "tight": anchors.spread_m, "farthest": -anchors.farthest_m,
        "closest": anchors.farthest_m, "number": np.arange(24),
    }  # fmt: skip
    for order, key in keys.items():
        choose(page, "order", order, "change")
        assert shown(page) == np.argsort(key).tolist(), order
    choose(page, "order", "similarity", "change")
    apart = pose_distances(anchors.poses3d, anchors.poses3d)
    found = shown(page)
    assert sorted(found) == list(range(24))
    assert apart[found[1:], found[:-1]].mean() < 0.6 * apart[np.triu_indices(24, 1)].mean()
    choose(page, "order", "number", "change")
    right = [k for k in range(22) if 22.5 < 360 * k / 22 < 157.5]
    for text, expected in {
        "#2": [2], "walk_1": [1, *range(10, 20)], "KICK_1  walk_12": [12], "lying": [22], "upside": [23], "right": right,
        "right #4": [4], "nobody": [], "": list(range(24)),
    }.items():  # fmt: skip
        choose(page, "filter", text, "input")
        assert shown(page) == expected, text
        assert page.js("return document.getElementById('none').hidden") == bool(expected)


def test_2d_joints_lie_at_their_box_units(anchors: Anchors, page: Any) -> None:
    page.click("#units button[data-value=square]")
    picture = drawn(page, ".anchor[data-place='0'] .flat")
    height, width = picture.shape[:2]
    points = anchors.poses2d[0]
    low, high = np.minimum(points.min(0), 0), np.maximum(points.max(0), 1)
    unit = min((width / 2 - 14) / (high - low)[0], (height - 14) / (high - low)[1])
    for joint, colour in {
        "l_wrist": LEFT,
        "r_wrist": RIGHT,
        "l_ankle": LEFT,
        "r_knee": RIGHT,
        "head": MIDDLE,
    }.items():
        x, y = [width / 4, height / 2] + unit * (points[LCR_13.index(joint)] - (low + high) / 2)
        assert np.abs(picture[int(y), int(x), :3] - colour).max() < 40, joint
    # The box around it is drawn, the second drawing's is around the upper body: its legs reach out of it, paler.
    corner = [width / 4, height / 2] + unit * (0 - (low + high) / 2)
    assert picture[round(corner[1]), round(corner[0] + unit / 2), 3] > 150
    upper = anchors.poses2d[24]
    assert upper[LCR_13.index("l_ankle"), 1] > 1.2
    low, high = np.minimum(upper.min(0), 0), np.maximum(upper.max(0), 1)
    unit = min((width / 2 - 14) / (high - low)[0], (height - 14) / (high - low)[1])
    for joint, opaque in {"l_wrist": True, "l_ankle": False}.items():
        x, y = [3 * width / 4, height / 2] + unit * (upper[LCR_13.index(joint)] - (low + high) / 2)
        assert (picture[int(y), int(x), 3] > 250) == opaque and picture[int(y), int(x), 3] > 60, joint


def test_3d_is_seen_as_the_camera_sees_it_and_turns(page: Any) -> None:
    choose(page, "turn", 0, "input")
    front = drawn(page, solid(0))
    left, right, head = (middle(front, colour) for colour in (LEFT, RIGHT, MIDDLE))
    assert left[0] > 0.53 > 0.47 > right[0], "somebody who faces the camera has the left at the image's right"
    assert head[1] < 0.3 < left[1]
    choose(page, "turn", -180, "input")
    back = drawn(page, solid(0))
    assert middle(back, LEFT)[0] < 0.47 and middle(back, RIGHT)[0] > 0.53
    # From the image's right (+x), somebody who faces there is seen from the front: depth has its sign.
    choose(page, "turn", 90, "input")
    facing_right = drawn(page, solid(5))
    assert middle(facing_right, LEFT)[0] > 0.53 and middle(facing_right, RIGHT)[0] < 0.47
    choose(page, "turn", 0, "input")
    upside_down = drawn(page, solid(23))
    assert middle(upside_down, MIDDLE)[1] > 0.7


def test_dragging_turns_all_or_one(page: Any) -> None:
    actions = pytest.importorskip("selenium.webdriver").ActionChains
    first, second = shown(page)[:2]
    before = drawn(page, solid(second))

    def drag(place: int) -> None:
        node = page.driver.find_element("css selector", solid(place))
        actions(page.driver).drag_and_drop_by_offset(node, 60, 0).perform()

    drag(first)
    after = drawn(page, solid(second))
    assert np.abs(after - before).max(-1).mean() > 1
    assert page.js("return Number(document.getElementById('turn').value)") == pytest.approx(
        35 - 60 * 0.012 * 180 / np.pi, abs=1
    )
    page.press("a")
    one = drawn(page, solid(first))
    drag(first)
    assert np.array_equal(drawn(page, solid(second)), after)
    assert np.abs(drawn(page, solid(first)) - one).max(-1).mean() > 1
    assert not page.js("return document.getElementById('focus').open"), "a drag is no click"
    page.click(solid(first))
    assert page.js("return document.getElementById('focus').open")


def test_members_come_and_go(page: Any) -> None:
    alone = drawn(page, solid(0))
    page.press("n")
    near = drawn(page, solid(0))
    page.press("n")
    assert np.array_equal(drawn(page, solid(0)), alone)
    page.click("#far")
    far = drawn(page, solid(0))
    assert not np.array_equal(near, alone) and not np.array_equal(far, alone)
    ink = [int(((p != alone).any(-1)).sum()) for p in (near, far)]
    assert ink[1] > ink[0] > 20, "the farthest member is farther off the anchor"


def test_one_anchor_large_with_those_most_like_it(anchors: Anchors, page: Any) -> None:
    apart = 1e3 * pose_distances(anchors.poses3d, anchors.poses3d)
    place = shown(page)[3]
    page.click(f".anchor[data-place='{place}'] .name")
    assert page.texts("#focusname") == [f"Anchor #{place}"]
    facts = page.js("return document.getElementById('focusfacts').textContent")
    assert f"{place} and {place + 24} (upper body)" in facts and anchors.far_names[place] in facts
    nearest = np.sort(apart[place])[1:7]
    said = [
        float(text.split()[0])
        for text in page.js("return [...document.querySelectorAll('#alike small')].map((n) => n.textContent)")
    ]
    np.testing.assert_allclose(said, nearest, atol=0.51)
    large = drawn(page, "#view")
    assert (large[..., 3] > 0).mean() > 0.03
    page.press("\ue014")  # right arrow
    assert page.texts("#focusname") == [f"Anchor #{shown(page)[4]}"]
    place = shown(page)[4]
    page.click("#sortalike")
    assert not page.js("return document.getElementById('focus').open")
    assert apart[place][shown(page)].tolist() == sorted(apart[place])
    assert page.complaints() == []


def test_the_map_opens_what_it_shows(page: Any) -> None:
    assert (
        page.js("return document.querySelectorAll('[data-chart=\"Map of the anchors\"] circle').length") == 24
    )
    page.js("document.querySelector('.dot[data-place=\"5\"]').dispatchEvent(new Event('click'))")
    assert page.texts("#focusname") == ["Anchor #5"]


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_sideways(page: Any, width: int) -> None:
    metrics = {"width": width, "height": 860, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.js("scrollTo(0, document.body.scrollHeight)")
    assert page.js("return document.documentElement.scrollWidth") <= width
    wide = "return [...document.querySelectorAll('.card,.toolbar,.poses')].filter((n) => n.getBoundingClientRect().right > innerWidth + 1).length"
    assert page.js(wide) == 0


def test_of_a_thousand_only_those_on_the_screen_are_drawn(
    saved: Callable[..., Path], tmp_path: Path, open_page: Callable
) -> None:
    rng = np.random.default_rng(0)
    poses = np.stack([made.turned(made.standing(), angle) for angle in rng.uniform(0, 360, 1000)])
    page = open_page(write_anchor_page(saved(made.anchors_of(poses)), tmp_path / "page.html"))
    inked = "[...document.querySelectorAll('.anchor')].filter((c) => c.querySelector('.solid').width > 0 && c.querySelector('.solid').width !== 300)"
    assert len(shown(page)) == 1000
    last = shown(page)[-1]
    page.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", solid(last))
    page.wait(f"{inked}.some((c) => c.dataset.place === '{last}')")
    assert (drawn(page, solid(last))[..., 3] > 0).mean() > 0.03
    assert 0 < page.js(f"return {inked}.length") < 60
    assert page.complaints() == []


def test_hostile_names_are_text(
    anchors: Anchors, saved: Callable[..., Path], tmp_path: Path, open_page: Callable
) -> None:
    path = saved(
        anchors,
        near_names=(ATTACK,) * 24,
        far_names=("'\"<b>&amp;",) * 24,
        sources={ATTACK: 1, "__proto__": 2},
    )
    moved = path.with_name("<img src=x onerror='window.harmed=1'>.npz")
    for suffix in (".npz", ".json", ".quality.json"):
        path.with_suffix(suffix).rename(moved.with_suffix(suffix))
    page = open_page(write_anchor_page(moved, tmp_path / "page.html"))
    page.click(".anchor .name")
    assert page.complaints() == [] and len(page.requests()) == 1
    assert page.js(
        "return [window.harmed ?? null, document.querySelectorAll('img').length, document.scripts.length, document.querySelectorAll('b b').length]"
    ) == [None, 0, 2, 0]
    assert (
        page.js("return document.querySelector('.anchor .member i.near').parentNode.textContent")
        == ATTACK[:160]
    )
    assert ATTACK in page.js("return document.getElementById('sources').textContent")
    assert page.js("return document.querySelector('h1').textContent") == moved.name


@pytest.mark.parametrize("kept", [1, 2])
def test_few_anchors_of_full_bodies_alone(
    anchors: Anchors, saved: Callable[..., Path], tmp_path: Path, open_page: Callable, kept: int
) -> None:
    few = made.anchors_of(anchors.poses3d[:kept].astype(float), upper=False)
    page = open_page(write_anchor_page(saved(few, None), tmp_path / "page.html"))
    page.click(".anchor .name")
    drawn(page, "#focusflat")
    assert page.complaints() == [] and len(shown(page)) == kept
    assert "no .quality.json" in page.js("return document.getElementById('basis').textContent")


def test_numbers_that_mean_harm_are_drawn_without_a_complaint(
    anchors: Anchors, saved: Callable[..., Path], tmp_path: Path, open_page: Callable
) -> None:
    wild = replace(
        anchors,
        poses3d=np.full((24, 13, 3), 1e300),
        counts=np.full(24, -1),
        poses2d=np.full((48, 13, 2), -3e38),
    )
    page = open_page(write_anchor_page(saved(wild), tmp_path / "page.html"))
    page.press("n")
    page.click(".anchor .name")
    assert page.complaints() == []


def test_dark_and_light(page: Any) -> None:
    page.js("document.documentElement.dataset.theme = 'light'")
    light = page.picture("#summary").mean()
    page.press("t")
    assert light > 200 and page.picture("#summary").mean() < 70
    drawn(page, solid(0))
