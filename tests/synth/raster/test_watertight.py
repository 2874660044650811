"""Exactly-once coverage of shared edges, by counting: at pixel centres and at the outline samples."""

import numpy as np
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from raster_scenes import WHITE, camera, grey, mesh
from scipy.spatial.transform import Rotation

from posecorpus.synth.raster.antialias import OFFSETS, SAMPLES, cover_samples
from posecorpus.synth.raster.engine import fixed, render
from posecorpus.synth.raster.visibility import SUBPIXELS, cover

CELLS, STEP = 6, 2.0
SIZE = int(CELLS * STEP)

jitters = hnp.arrays(np.int64, (CELLS + 1, CELLS + 1, 2), elements=st.integers(-3, 3))
diagonals = hnp.arrays(np.bool_, (CELLS, CELLS))


def lattice(jitter: np.ndarray, diagonal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A triangulated square over the picture; inner vertices are moved by quarters of a pixel, so that
    many edges and vertices fall on pixel centres. Clockwise in the picture: positive area."""
    y, x = np.mgrid[: CELLS + 1, : CELLS + 1]
    points = np.stack([x, y], -1) * STEP
    points[1:-1, 1:-1] += jitter[1:-1, 1:-1] / 4
    points[1:-1, 0, 1] += jitter[1:-1, 0, 1] / 4
    index = np.arange((CELLS + 1) ** 2).reshape(CELLS + 1, CELLS + 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    up = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], -2)
    down = np.stack([np.stack([a, b, d], -1), np.stack([b, c, d], -1)], -2)
    faces = np.where(diagonal[..., None, None], up, down).reshape(-1, 3)
    screen = np.column_stack([points.reshape(-1, 2) * SUBPIXELS, np.ones(len(index) ** 2)])
    return np.ascontiguousarray(screen), faces.astype(np.int32)


def areas(screen: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (screen[faces[:, k], :2] for k in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


def count(screen: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many faces cover each pixel centre (H, W) and each outline sample (H, W, 8)."""
    screen = fixed(screen, np.float64)
    centres = np.zeros((SIZE, SIZE), int)
    samples = np.zeros((SIZE * SIZE, SAMPLES), int)
    slots = np.arange(SIZE * SIZE, dtype=np.int32).reshape(SIZE, SIZE)
    for face in faces:
        one = fixed(face[None], np.int32)
        keys = np.zeros((SIZE + 1, SIZE + 2))
        front, wild = np.zeros((1, 5), np.int32), np.zeros(1, np.int32)
        cover(0, one, screen, True, keys, front, wild, np.zeros(2, np.int32))
        centres += keys[:-1, 1:-1] != 0
        assert not keys[-1].any() and not keys[:, [0, -1]].any(), "the border is nobody's"
        found = np.zeros(samples.shape)
        cover_samples(0, one, screen, front, 1, slots, found, np.zeros(len(found)), np.zeros(SAMPLES))
        samples += found != 0
    return centres, samples.reshape(SIZE, SIZE, SAMPLES)


@settings(max_examples=40, deadline=None)
@given(jitters, diagonals)
def test_a_triangulated_square_covers_every_sample_exactly_once(jitter, diagonal):
    screen, faces = lattice(jitter, diagonal)
    folded = areas(screen, faces) < 0
    if folded.any():  # flatten what the jitter turned over
        screen, faces = lattice(np.zeros_like(jitter), diagonal)
    centres, samples = count(screen, faces)
    assert (centres == 1).all()
    assert (samples == 1).all()


def test_without_the_tie_rule_the_same_squares_would_be_covered_twice():
    """The property above can fail: closed faces meet on many samples of its inputs."""
    rng = np.random.default_rng(0)
    screen, faces = lattice(rng.integers(-2, 3, (CELLS + 1, CELLS + 1, 2)), rng.random((CELLS, CELLS)) < 0.5)
    assert (areas(screen, faces) > 0).all()
    centre = (np.stack(np.mgrid[:SIZE, :SIZE][::-1], -1) + 0.5) * SUBPIXELS
    for points in (centre, centre + OFFSETS[2]):
        closed = np.zeros((SIZE, SIZE), int)
        for face in faces:
            a, b, c = screen[face, :2]
            edges = [
                (q - p)[0] * (points - p)[..., 1] - (q - p)[1] * (points - p)[..., 0]
                for p, q in ((a, b), (b, c), (c, a))
            ]
            closed += np.min(edges, axis=0) >= 0
        assert closed.min() == 1
        if points is centre:
            assert closed.max() > 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_from_inside_a_dented_ball_there_is_no_hole(seed, subdivisions):
    """Its faces cross the camera's plane, the near plane's edges and the guard band."""
    rng = np.random.default_rng(seed)
    ball = trimesh.creation.icosphere(subdivisions)
    turn = Rotation.random(rng=rng).as_matrix()
    vertices = 40 * (ball.vertices * rng.uniform(0.9, 1.1, (len(ball.vertices), 1))) @ turn.T
    inside_out = mesh(vertices + rng.uniform(-5, 5, 3), ball.faces[:, ::-1], normals=-ball.vertices)
    view = camera(30, 22, rng.uniform(3, 60), cx=rng.uniform(-20, 50), cy=rng.uniform(5, 17))
    frame = render([inside_out], view, WHITE, grey(view, 0))
    assert (frame.depth > 0).all()
    assert (frame.rgb == 200).all(), "no background leaks in through the outline samples"
