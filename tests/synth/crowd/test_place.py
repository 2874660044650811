"""Sixty random pictures and some clips, judged by the renderer's depth, distances of points and the projection."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray
from scenes import Picture, picture, view
from scipy.spatial import cKDTree

from posecorpus.core.errors import InputError
from posecorpus.core.skeletons import FULL_42
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body
from posecorpus.synth.config import CrowdConfig
from posecorpus.synth.crowd import Placement, heading_of, place_people
from posecorpus.synth.crowd.figure import Figure, clash, surely_clash
from posecorpus.synth.crowd.view import SPACING_M, View, spread
from posecorpus.synth.ground import Ground

COUNT = 60


@cache
def pictures() -> list[Picture]:
    return [picture(seed, 2 + seed % 5) for seed in range(COUNT)]


@cache
def depths(seed: int) -> NDArray[np.float32]:
    return pictures()[seed].depths()


FAR = 0.15
"""Metres: people farther from each other are not looked at."""


def least_distance(at: Picture, i: int, j: int, frame: int) -> float:
    """Of points of two people's surfaces, infinite from FAR on; never below the surfaces' own distance.

    No point of a surface is 3 cm from the nearest corner or middle of a face.
    """
    a, b = at.world(i, frame), at.world(j, frame)
    some = []
    for one, faces, other in ((a, at.faces[i], b), (b, at.faces[j], a)):
        points = np.concatenate([one, one[faces].mean(1)])
        low, high = other.min(0) - FAR, other.max(0) + FAR
        some.append(points[((points > low) & (points < high)).all(1)])
    if not (len(some[0]) and len(some[1])):
        return math.inf
    return float(cKDTree(some[1]).query(some[0], distance_upper_bound=FAR)[0].min())


def inside(points: NDArray[np.float64], vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> bool:
    """Whether a solid has one of the points, by the solid angle of all its faces (van Oosterom, Strackee 1983)."""
    for point in points:
        a, b, c = np.moveaxis(vertices[faces] - point, 1, 0)
        la, lb, lc = (np.linalg.norm(x, axis=1) for x in (a, b, c))
        top = (a * np.cross(b, c)).sum(1)
        bottom = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        if abs(2 * np.arctan2(top, bottom).sum()) > 2 * np.pi:
            return True
    return False


def test_nobody_comes_nearer_to_another_than_the_clearance() -> None:
    nearest = []
    for at in pictures():
        people = at.present()
        for i in people:
            for j in (j for j in people if j > i):
                gap = least_distance(at, i, j, 0)
                assert gap >= 0.03
                if gap < math.inf:
                    nearest.append(gap)
                    a, b = at.world(i, 0), at.world(j, 0)
                    assert not inside(a[:1], b, at.faces[j]) and not inside(b[:1], a, at.faces[i])
    # The rule must have had to decide: some stand almost as near as they may.
    assert len(nearest) >= 8 and min(nearest) < 0.06


def test_no_two_people_come_near_at_any_frame_of_a_clip() -> None:
    for seed in range(3):
        at = picture(100 + seed, 4, frames=31, config=CrowdConfig(distance_m=(2.5, 5.0)))
        people = at.present()
        assert len(people) >= 3
        for i in people:
            for j in (j for j in people if j > i):
                assert min(least_distance(at, i, j, t) for t in range(0, 31, 6)) >= 0.03


@pytest.mark.parametrize("frame", [0, 5, 9, 15, 16, 28, 30])
def test_one_frame_of_contact_is_enough(frame: int) -> None:
    box = trimesh.creation.box((0.5, 1.7, 0.3))
    still = np.repeat(box.vertices[None].astype(np.float32), 31, 0)
    visitor = still + np.float32([3, 0, 0])
    visitor[frame] -= np.float32([2.6, 0, 0])
    faces = box.faces.astype(np.int32)
    a, b = Figure(still, faces, 0.0), Figure(visitor, faces, 0.0)
    for turn in (0.0, 1.1):  # of both about the first: what lies between them stays
        at = Placement(0.5, -4, turn)
        assert clash(a, at, b, at, 0.0)
        away = Placement(0.5 + 0.12 * np.cos(turn), -4 - 0.12 * np.sin(turn), turn)  # 2 cm of air
        assert not clash(a, at, b, away, 0.0)
        assert not clash(a, at, b, away, 0.019)
        assert clash(a, at, b, away, 0.021)


def test_what_surely_clashes_is_what_has_points_too_near_and_clashes() -> None:
    at, rng, sure, all_of_them = picture(7, 2), np.random.default_rng(3), 0, 0
    a, b = (Figure(at.bodies[i], at.faces[i], 0.0) for i in range(2))
    for _ in range(150):
        a_at, b_at = (Placement(*rng.uniform(-0.7, 0.7, 2), rng.uniform(-np.pi, np.pi)) for _ in range(2))
        clearance = float(rng.uniform(0, 0.25))
        gap = cKDTree(a_at.apply(a.grains)).query(b_at.apply(b.grains))[0].min()
        told, truth = surely_clash(a, a_at, b, b_at, clearance), clash(a, a_at, b, b_at, clearance)
        assert told == (gap < clearance) and told <= truth
        sure, all_of_them = sure + told, all_of_them + truth
    assert 0.5 * all_of_them < sure < all_of_them < 150  # worth it, and neither is trivial
    assert not surely_clash(
        a, Placement(0, 0, 0), a, Placement(0, 0, 0), 0.0
    )  # touching is not for points to tell


def test_a_third_of_the_people_are_partly_hidden_and_nobody_almost_wholly() -> None:
    shares = []
    for seed, at in enumerate(pictures()):
        maps = depths(seed)
        for i in at.present():
            alone = np.isfinite(maps[i])
            assert alone.sum() > 20
            hidden = (np.delete(maps, i, 0) < maps[i]).any(0) & alone
            shares.append(hidden.sum() / alone.sum())
    got = np.array(shares)
    assert got.max() <= 0.9
    assert abs((got >= 0.1).mean() - 1 / 3) < 0.06
    assert np.ptp(got[got >= 0.1]) > 0.5  # a little and a lot


def test_what_the_coarse_grid_says_is_hidden_is_hidden() -> None:
    off = []
    for seed, at in enumerate(pictures()):
        if at.present() != list(range(len(at.bodies))):
            continue
        grid, maps = View(at.camera, len(at.bodies)), depths(seed)
        for i, place in enumerate(at.placed):
            assert place is not None
            points = at.bodies[i][0][spread(at.bodies[i][0], SPACING_M)].astype(float)
            grid.add(i, points, place)
        for i, cover in enumerate(grid.covers):
            alone = np.isfinite(maps[i])
            off.append(cover - ((np.delete(maps, i, 0) < maps[i]).any(0) & alone).sum() / alone.sum())
    assert len(off) > 150
    # Dots widen an outline, most that of the nearest: what is seen as a sliver beside one may be missed.
    assert -0.02 < np.mean(off) < 0.04 and np.quantile(np.abs(off), 0.9) < 0.1


def _beyond(at: Picture, who: int) -> NDArray[np.float64]:
    """(5,) share of a person's skin beyond the left, right, top and bottom border, and beyond any; by faces' middles."""
    corners = at.world(who, 0)[at.faces[who]]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    pixels, depth = at.camera.project(corners.mean(1))
    assert depth.min() > 0.25
    u, v = pixels.T
    outside = np.array([u < 0, u > at.camera.width, v < 0, v > at.camera.height])
    return np.concatenate([outside, outside.any(0, keepdims=True)]) @ area / area.sum()


def test_a_quarter_are_cut_and_the_others_mostly_whole() -> None:
    beyond = np.array([_beyond(at, i) for at in pictures() for i in at.present()])
    assert (beyond[:, 4] < 0.87).all()
    beyond = beyond[:, :4]
    cut = beyond.max(1) > 0.02
    assert 0.2 < cut.mean() < 0.36
    assert (beyond.max(1) == 0).mean() > 0.6
    by_border = (beyond[cut] == beyond[cut].max(1, keepdims=True)).sum(0)
    assert (by_border >= (4, 4, 1, 8)).all()


def test_the_lower_border_cuts_at_every_height() -> None:
    """At feet and shins, at thighs, and at the trunk."""
    heights = []
    for seed in range(30):
        at = picture(300 + seed, 1, config=CrowdConfig(cut_share=1.0))
        for i in at.present():
            world = at.world(i, 0)
            v = at.camera.project(world)[0][:, 1]
            if (v > at.camera.height).any():
                heights.append(world[v <= at.camera.height, 1].min() / world[:, 1].max())
    counts = np.histogram(heights, [0, 0.3, 0.55, 1.0])[0]
    assert (counts >= 2).all(), counts


def test_distances_ground_and_facing_are_as_asked() -> None:
    distances, facing = [], []
    for at in pictures():
        for i in at.present():
            place, own = at.placed[i], at.bodies[i][0].astype(float)
            assert place is not None
            middle = place.apply((own.min(0) + own.max(0)) / 2)[[0, 2]]
            pixel, depth = at.camera.project([middle[0], 0.0, middle[1]])
            seen = depth > 0 and (pixel >= 0).all() and (pixel <= (320, 240)).all()
            assert at.ground.contains(middle) or not seen
            distance = np.hypot(*(middle - at.camera.centre[[0, 2]]))
            assert distance <= 8
            assert distance >= 2.5 or (distance >= 0.7 and _beyond(at, i)[2:4].max() > 0.02)
            distances.append(distance)
            facing.append(place.yaw + at.headings[i])
    assert np.quantile(distances, 0.1) < 3.5 and np.quantile(distances, 0.8) > 5.5
    # Evenly around the circle: the mean direction of that many unit vectors.
    assert abs(np.exp(1j * np.array(facing)).mean()) < 0.2


def test_some_people_stand_in_groups_and_look_at_each_other() -> None:
    towards = 0
    for at in pictures():
        for i in at.present():
            for j in at.present():
                a, b = at.placed[i], at.placed[j]
                assert a is not None and b is not None
                gap = np.array([b.x - a.x, b.z - a.z])
                if j <= i or np.hypot(*gap) > 1.8:
                    continue
                looks = [np.array([math.sin(yaw), math.cos(yaw)]) for yaw in
                         (a.yaw + at.headings[i], b.yaw + at.headings[j])]  # fmt: skip
                towards += looks[0] @ gap > 0.8 * np.hypot(*gap) and looks[1] @ gap < -0.8 * np.hypot(*gap)
    assert towards >= 3  # of some 25 pairs as near; by chance it were one in 24


def test_almost_everybody_finds_a_place() -> None:
    everybody = sum(len(at.placed) for at in pictures())
    assert sum(len(at.present()) for at in pictures()) >= 0.97 * everybody


def test_the_same_seed_gives_the_same_places() -> None:
    for seed in (3, 17):
        again = picture(seed, 2 + seed % 5)
        assert again.placed == pictures()[seed].placed
        other = place_people(again.bodies, again.faces, again.ground, again.camera, CrowdConfig(),
                             np.random.default_rng(seed + 1))  # fmt: skip
        assert other != again.placed


def test_faces_that_are_writable_or_copied_change_nothing() -> None:
    at = pictures()[8]
    copies = [faces.copy() for faces in at.faces]
    again = place_people(at.bodies, copies, at.ground, at.camera, CrowdConfig(),
                         np.random.default_rng(8), at.headings)  # fmt: skip
    assert again == at.placed


def test_who_finds_no_room_is_left_out() -> None:
    """Eight people on a square of 0.6 m: a few stand there, the others nowhere, and none in another."""
    square = Ground(np.array([(-0.3, -4.3), (0.3, -4.3), (0.3, -3.7), (-0.3, -3.7)]))
    at = picture(0, 8, config=CrowdConfig(cut_share=0.0), ground=square)
    people = at.present()
    assert 1 <= len(people) < 8
    assert all(least_distance(at, i, j, 0) >= 0.03 for i in people for j in people if i < j)
    behind = Ground(np.array([(-0.3, 4.3), (0.3, 4.3), (0.3, 3.7), (-0.3, 3.7)]))
    assert not picture(0, 3, ground=behind, config=CrowdConfig(cut_share=0.0)).present()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_of_none_and_of_all(share: float) -> None:
    none_or_all = CrowdConfig(hidden_share=share, cut_share=0.0)
    hidden = total = 0
    for seed in range(12):
        at = picture(400 + seed, 3, config=none_or_all)
        maps = at.depths()
        for i in at.present():
            alone = np.isfinite(maps[i])
            hidden += ((np.delete(maps, i, 0) < maps[i]).any(0) & alone).sum() >= 0.1 * alone.sum()
            total += 1
    # Somebody must be in front: two of three at most.
    assert hidden <= 0.06 * total if share == 0 else hidden >= 0.5 * total


def test_nobody_is_placed_of_nobody() -> None:
    camera, ground = view(np.random.default_rng(0))
    assert place_people([], [], ground, camera, CrowdConfig(), np.random.default_rng(0)) == []


def test_placements_turn_like_the_worlds_rotations() -> None:
    from posecorpus.synth.rotations import about

    rng = np.random.default_rng(0)
    points = rng.normal(size=(7, 3))
    one, other = Placement(1.0, -2.0, 0.7), Placement(-0.4, 0.3, -2.5)
    np.testing.assert_allclose(one.apply(points), points @ about(1, 0.7).T + [1, 0, -2], atol=1e-12)
    np.testing.assert_allclose(other.apply(one.seen_from(other).apply(points)), one.apply(points), atol=1e-12)


@pytest.mark.parametrize("yaw", [0.0, 0.8, -2.9])
def test_heading_is_where_nose_and_toes_point(yaw: float) -> None:
    body = load_body("open", "neutral")
    pose = np.zeros((1, 24, 3))
    pose[0, 0, 1] = yaw
    posed = pose_body(body, np.zeros((1, 10)), pose, np.zeros((1, 3)))
    nose, ear = (posed.landmarks[0, FULL_42.index(name)] for name in ("nose", "l_ear"))
    other = posed.landmarks[0, FULL_42.index("r_ear")]
    x, _, z = nose - (ear + other) / 2
    assert heading_of(posed.transforms) == pytest.approx(yaw, abs=1e-6)
    assert math.atan2(x, z) == pytest.approx(yaw, abs=0.05)


def test_refused_bodies() -> None:
    at = pictures()[0]
    rng = np.random.default_rng(0)
    for bodies, faces in (
        ([at.bodies[0][0]], at.faces[:1]),
        ([at.bodies[0], np.repeat(at.bodies[1], 2, 0)], at.faces[:2]),
        (at.bodies[:2], at.faces[:1]),
    ):
        with pytest.raises(InputError, match="bodies"):
            place_people(bodies, faces, at.ground, at.camera, CrowdConfig(), rng)


def test_two_people_stay_as_far_apart_as_their_clothes_reach() -> None:
    near = math.inf
    for seed in range(25):
        at = pictures()[seed]
        reaches = np.random.default_rng(seed).choice([0.0, 0.1, 0.25], len(at.bodies)).tolist()
        placed = place_people(at.bodies, at.faces, at.ground, at.camera, CrowdConfig(),
                              np.random.default_rng(seed), at.headings, reaches)  # fmt: skip
        there = [(i, place) for i, place in enumerate(placed) if place is not None]
        assert len(there) >= len(placed) - 1
        for n, (i, one) in enumerate(there):
            tree = cKDTree(one.apply(at.bodies[i][0][::3]))
            for j, other in there[:n]:
                gap = tree.query(other.apply(at.bodies[j][0][::3]))[0].min()
                apart = max(reaches[i] + reaches[j], 0.03)
                assert gap >= apart
                near = min(near, gap - apart)
    assert near < 0.05  # the rule must have had to decide


def test_visible_feet_are_on_the_ground() -> None:
    feet = 0
    for at in pictures():
        for i in at.present():
            world = at.world(i, 0)
            low = world[world[:, 1] < 0.1] * (1, 0, 1)
            pixels, depth = at.camera.project(low)
            # Ground goes on out of sight: beside the border a foot may lie across the ground's edge.
            seen = (depth > 0) & ((pixels >= (20, 15)) & (pixels <= (300, 225))).all(1)
            assert at.ground.contains(low[seen][:, [0, 2]]).all()
            feet += bool(seen.any())
    assert feet > 100


def test_who_has_no_foot_on_the_floor_stands_where_the_middle_does() -> None:
    at = pictures()[4]
    jumping = [body + np.float32([0, 0.4, 0]) for body in at.bodies]
    for body, faces in zip(jumping, at.faces, strict=True):
        assert not len(Figure(body, faces, 0.0).stance.base)
    placed = place_people(jumping, at.faces, at.ground, at.camera, CrowdConfig(), np.random.default_rng(1))
    assert sum(place is not None for place in placed) >= len(placed) - 1
