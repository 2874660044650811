import numpy as np
import pytest

from posecorpus.core.errors import InputError
from posecorpus.synth.raster.colour import ENCODE_STEPS, TO_LINEAR, TO_SRGB, decode, encode
from posecorpus.synth.raster.mipmap import _halve, _halve_even, build_texture, level_sizes, pack
from posecorpus.synth.scene import Texture


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_srgb_tables_invert_each_other_and_the_formula():
    np.testing.assert_allclose(encode(decode(np.linspace(0, 1, 1001))), np.linspace(0, 1, 1001), atol=1e-6)
    indices = np.rint(np.sqrt(TO_LINEAR) * ENCODE_STEPS).astype(int)
    np.testing.assert_array_equal(TO_SRGB[indices], np.arange(256))


def test_srgb_encoding_is_right_to_a_sixteenth_of_a_code_value():
    linear = np.random.default_rng(1).random(100_000)
    codes = TO_SRGB[(np.sqrt(linear) * ENCODE_STEPS + 0.5).astype(int)]
    assert np.abs(codes - 255 * encode(linear)).max() < 0.5 + 1 / 16


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (3, 1), (1, 6), (9, 16), (13, 13)])
def test_every_level_is_the_area_average_of_the_one_before(size):
    texture = build_texture(picture(*size))
    assert [level.shape[:2] for level in texture.levels] == level_sizes(*size)
    for fine, coarse in zip(texture.levels[:-1], texture.levels[1:], strict=True):
        box_y, box_x = overlap(fine.shape[0], coarse.shape[0]), overlap(fine.shape[1], coarse.shape[1])
        mean = np.einsum("iy,yxc,jx->ijc", box_y, decode(fine / 255), box_x)
        assert np.abs(coarse - 255 * encode(mean)).max() < 0.6


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 20), (64, 96)])
def test_even_sides_are_halved_to_the_same_bytes(rows, columns):
    fine = picture(2 * rows, 2 * columns)
    fine[:rows], fine[rows, : columns // 2] = 255, 0
    expected = np.empty((rows, columns, 3), np.uint8)
    _halve(fine, expected)
    got = np.empty((rows, 3 * columns), np.uint8)
    _halve_even(fine.reshape(2 * rows, -1), got)
    np.testing.assert_array_equal(got.reshape(expected.shape), expected)


def overlap(n: int, m: int) -> np.ndarray:
    """(m, n) share of each of n equal cells in each of m equal cells."""
    lo = np.maximum(np.arange(m)[:, None] / m, np.arange(n)[None] / n)
    hi = np.minimum((np.arange(m)[:, None] + 1) / m, (np.arange(n)[None] + 1) / n)
    return np.clip(hi - lo, 0, None) * m


def test_pack_finds_the_block_without_copying():
    texture = build_texture(picture(12, 20))
    block, table = pack(texture)
    assert np.shares_memory(block, texture.levels[0])
    check_packed(texture, block, table)


@pytest.mark.parametrize("stranger", ["separate", "reversed", "sliced"])
def test_pack_copies_levels_that_are_no_block(stranger):
    base = build_texture(picture(16, 16))
    if stranger == "separate":
        texture = Texture(tuple(level.copy() for level in base.levels))
    elif stranger == "reversed":
        texture = Texture((base.levels[0][::-1], *base.levels[1:]))
    else:
        texture = Texture(base.levels[1:])
    check_packed(texture, *pack(texture))


def check_packed(texture: Texture, block: np.ndarray, table: np.ndarray) -> None:
    assert len(table) == len(texture.levels)
    for level, (start, height, width) in zip(texture.levels, table, strict=True):
        np.testing.assert_array_equal(block[start : start + level.size].reshape(height, width, 3), level)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)  # fmt: skip
def test_other_pictures_are_refused(bad):
    with pytest.raises(InputError, match="texture"):
        build_texture(bad)
