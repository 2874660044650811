"""Windows of photos to a fraction of a pixel, against ramps whose value tells the place."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecorpus.synth.appearance.photos import photo_window, stored_photo_size

WIDTH, HEIGHT = 500, 400


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Red grows along x, green along y: 0 to 250 from border to border."""
    x, y = (np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT
    picture = np.zeros((HEIGHT, WIDTH, 3))
    picture[..., 2], picture[..., 1] = 250 * x, 250 * y[:, None]
    path = tmp_path_factory.mktemp("ramp") / "ramp.png"
    cv2.imwrite(str(path), np.rint(picture).astype(np.uint8))
    return str(path)


@settings(max_examples=30)
@given(
    st.floats(0, 200),
    st.floats(0, 150),
    st.floats(40, 300),
    st.booleans(),
    st.sampled_from([(64, 48), (320, 300)]),
)
def test_every_pixel_shows_its_place(
    ramp: str, x: float, y: float, side: float, mirrored: bool, size: tuple[int, int]
) -> None:
    tall = side * 0.75
    x0, x1 = (x + side, x) if mirrored else (x, x + side)
    shown = photo_window(ramp, (x0, y, x1, y + tall), *size).astype(float)
    across = x0 + (np.arange(size[0]) + 0.5) * (x1 - x0) / size[0]
    down = y + (np.arange(size[1]) + 0.5) * tall / size[1]
    inner = slice(1, -1)  # the photo's border may be averaged in
    np.testing.assert_allclose(
        shown[inner, inner, 0], np.broadcast_to(250 * across / WIDTH, shown.shape[:2])[inner, inner], atol=1.6
    )
    np.testing.assert_allclose(
        shown[inner, inner, 1].T,
        np.broadcast_to(250 * down / HEIGHT, shown.shape[1::-1])[inner, inner],
        atol=1.6,
    )


def test_what_sticks_out_is_black(ramp: str) -> None:
    shown = photo_window(ramp, (-250, 0, 750, 800), 200, 160)
    assert (shown[:, :50] == 0).all() and (shown[:, 150:] == 0).all() and (shown[80:] == 0).all()
    assert (shown[5:80, 55:150].sum(-1) > 0).all()
    assert (photo_window(ramp, (2000, 0, 3000, 800), 20, 16) == 0).all()


def test_large_photos_that_are_decoded_smaller_keep_the_place(tmp_path: Path) -> None:
    """A jpg eight times as large as needed, turned by its EXIF orientation as cameras store portraits."""
    x = (np.arange(4000) + 0.5) / 4000
    picture = np.broadcast_to(np.rint(250 * x)[None, :, None], (3000, 4000, 3)).astype(np.uint8)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # turn clockwise
    (tmp_path / "turned.jpg").write_bytes(
        data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:]
    )
    photo = str(tmp_path / "turned.jpg")
    assert stored_photo_size(photo) == (4000, 3000)
    shown = photo_window(photo, (500, 1000, 2500, 3000), 50, 50)[..., 0].astype(float)
    expected = 250 * (1000 + (np.arange(50) + 0.5) * 40) / 4000
    np.testing.assert_allclose(shown, np.broadcast_to(expected[:, None], (50, 50)), atol=2.5)
