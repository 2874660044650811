"""Photos as backgrounds: finding them, checking them, and cutting a window of the right shape.

A folder or a zip of a stranger is hostile input: names are never used as paths to write, pictures are
measured before they are decoded, and what is kept in memory is bounded.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.files import MEMBER, is_zip, list_files, read_limited
from posecorpus.core.image_header import is_complete, stored_size

SUFFIXES = (".jpg", ".jpeg", ".png")
MAX_FILE_BYTES = 64 << 20
MAX_PIXELS = 64_000_000
KEPT_SIDE = 1600
"""Decoded photos are reduced until their shorter side is at most this, pixels."""

CACHE_BYTES = 64 << 20
WHOLE_PX = 1e-3
"""Windows whose edges are this near to whole pixels are taken for whole."""

SMALLEST_ZOOM = 0.6
"""A window shows at least this share of the widest window that fits."""


def find_photos(where: str | Path) -> list[str]:
    """All photos of a folder (with its subfolders), of a zip, or a single file, in a fixed order.

    Returns:
        paths that :func:`photo_background` takes; a photo in a zip is ``<zip>!<member>``.

    Raises:
        InputError: nothing there, no readable zip, or no photo in it.
    """
    path = Path(where)
    if path.is_dir():
        found = [str(path / name) for name in list_files(path, SUFFIXES)]
    elif is_zip(path):
        found = [f"{path}{MEMBER}{name}" for name in list_files(path, SUFFIXES)]
    elif path.is_file() and path.suffix.lower() in SUFFIXES:
        found = [str(path)]
    else:
        raise InputError(path, "a folder or a .zip of jpg or png photos", "nothing of the kind")
    if not found:
        raise InputError(path, "at least one .jpg or .png photo", "none")
    return found


def photo_background(photo: str, width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random window of a photo.

    The window has the shape of the result and lies anywhere inside the photo, from the largest that fits
    down to :data:`SMALLEST_ZOOM` of it; it is mirrored half of the time.

    Args:
        photo: as :func:`find_photos` gives it.
        width, height: of the result, pixels.
        rng: decides the window.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        InputError: the photo cannot be read.
    """
    # No more of a large photo is decoded than the smallest window needs.
    least_side = math.ceil(max(width, height) / SMALLEST_ZOOM)
    picture = _CACHE.get(photo, min(least_side, KEPT_SIDE))
    have_height, have_width = picture.shape[:2]
    zoom, u, v, mirror = rng.uniform(SMALLEST_ZOOM, 1), rng.random(), rng.random(), rng.random() < 0.5
    scale = min(have_width / width, have_height / height) * zoom
    w, h = max(1, int(scale * width)), max(1, int(scale * height))
    x, y = int(u * (have_width - w + 1)), int(v * (have_height - h + 1))
    window = picture[y : y + h, x : x + w]
    # INTER_AREA averages when shrinking; when enlarging it would give blocks.
    method = cv2.INTER_AREA if w >= width else cv2.INTER_CUBIC
    result = cv2.resize(window, (width, height), interpolation=method)
    return np.ascontiguousarray(result[:, ::-1] if mirror else result)


def photo_window(
    photo: str,
    window: tuple[float, float, float, float],
    width: int,
    height: int,
    decoded_for: int | None = None,
) -> NDArray[np.uint8]:
    """A given window of a photo, to a fraction of a pixel.

    Args:
        photo: as :func:`find_photos` gives it.
        window: x0, y0, x1, y1 in pixels of the photo as it is stored, upright; with x0 > x1 it is mirrored. What
            sticks out of the photo is black.
        width, height: of the result, pixels.
        decoded_for: longer side of another window's result, to share the decoded photo with it; by default of this one.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        InputError: the photo cannot be read.
    """
    largest = max(width, height) if decoded_for is None else decoded_for
    picture = _CACHE.get(photo, min(math.ceil(largest / SMALLEST_ZOOM), KEPT_SIDE))
    kept = min(picture.shape[:2]) / min(stored_photo_size(photo))
    x0, y0, x1, y1 = (edge * kept for edge in window)
    left, right = sorted((x0, x1))
    whole = [round(edge) for edge in (left, y0, right, y1)]
    inside = left >= 0 and y0 >= 0 and right <= picture.shape[1] and y1 <= picture.shape[0]
    if inside and max(abs(a - b) for a, b in zip(whole, (left, y0, right, y1), strict=True)) < WHOLE_PX:
        part = picture[whole[1] : whole[3], whole[0] : whole[2]]
        method = cv2.INTER_AREA if part.shape[1] >= width else cv2.INTER_CUBIC
        resized = cv2.resize(part, (width, height), interpolation=method)
        return np.asarray(resized if x0 < x1 else cv2.flip(resized, 1), np.uint8)
    # First averaged to about the size, then moved by the rest: interpolation alone would alias.
    i0, i1 = max(math.floor(left) - 1, 0), min(math.ceil(right) + 1, picture.shape[1])
    j0, j1 = max(math.floor(y0) - 1, 0), min(math.ceil(y1) + 1, picture.shape[0])
    if i0 >= i1 or j0 >= j1:
        return np.zeros((height, width, 3), np.uint8)
    part = picture[j0:j1, i0:i1]
    shrink_x, shrink_y = min(width / (right - left), 1.0), min(height / (y1 - y0), 1.0)
    size = max(1, round((i1 - i0) * shrink_x)), max(1, round((j1 - j0) * shrink_y))
    if size != (i1 - i0, j1 - j0):
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    across, down = size[0] / (i1 - i0), size[1] / (j1 - j0)
    step_x, step_y = (x1 - x0) / width * across, (y1 - y0) / height * down
    # OpenCV counts from the middle of the first pixel.
    start_x = (x0 - i0) * across + 0.5 * step_x - 0.5
    start_y = (y0 - j0) * down + 0.5 * step_y - 0.5
    back = np.array([[step_x, 0, start_x], [0, step_y, start_y]])
    method = cv2.INTER_LINEAR if shrink_x < 1 else cv2.INTER_CUBIC
    flags, edge = method | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    result = np.asarray(cv2.warpAffine(part, back, (width, height), flags=flags, borderMode=edge), np.uint8)
    _blacken(result, x0, x1, picture.shape[1])
    _blacken(result.transpose(1, 0, 2), y0, y1, picture.shape[0])
    return result


def _blacken(result: NDArray[np.uint8], start: float, end: float, extent: int) -> None:
    """Black in the columns of a result that shows ``start`` to ``end`` of a photo of that extent."""
    columns = result.shape[1]
    at = start + (np.arange(columns) + 0.5) * (end - start) / columns
    result[:, (at < 0) | (at > extent)] = 0


@lru_cache(maxsize=65536)
def stored_photo_size(photo: str) -> tuple[int, int]:
    """Width and height of a photo as it is stored, before it is turned upright.

    Raises:
        InputError: it cannot be read.
    """
    return _measure(photo, read_limited(photo, MAX_FILE_BYTES, "photo"))


def _measure(photo: str, data: bytes) -> tuple[int, int]:
    size = stored_size(data)
    if size is None:
        raise InputError(photo, "a jpg or png photo", "another or a damaged format")
    if not is_complete(data):  # decoders would fill the missing part with grey
        raise InputError(photo, "a whole photo", "a truncated one")
    width, height = size
    if min(size) < 1 or width * height > MAX_PIXELS:
        raise InputError(photo, f"a photo of at most {MAX_PIXELS // 10**6} megapixels", f"{width}x{height}")
    return size


def load_photo(photo: str, least_side: int = 1 << 30) -> NDArray[np.uint8]:
    """A photo as (H, W, 3) uint8 RGB, upright, its shorter side at most :data:`KEPT_SIDE` pixels.

    Args:
        photo: as :func:`find_photos` gives it.
        least_side: a jpg may come at a half, a quarter or an eighth of its size, which is quicker, if its
            shorter side stays at least this.

    Grey, CMYK, 16-bit and palette pictures become RGB; transparency is dropped.

    Raises:
        InputError: it cannot be read.
    """
    data = read_limited(photo, MAX_FILE_BYTES, "photo")
    width, height = _measure(photo, data)
    flag = cv2.IMREAD_COLOR  # applies EXIF orientation and drops alpha
    for shrink, reduced in (
        (8, cv2.IMREAD_REDUCED_COLOR_8),
        (4, cv2.IMREAD_REDUCED_COLOR_4),
        (2, cv2.IMREAD_REDUCED_COLOR_2),
    ):
        if min(width, height) >= shrink * min(least_side, KEPT_SIDE):
            flag = reduced  # jpg decodes straight to an eighth, a quarter or a half
            break
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise InputError(photo, "a jpg or png photo", error) from None
    if picture is None:
        raise InputError(photo, "an intact photo", "damaged data")
    shrink_to = KEPT_SIDE / min(picture.shape[:2])
    if shrink_to < 1:
        picture = cv2.resize(picture, None, fx=shrink_to, fy=shrink_to, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


class PhotoCache:
    """The photos used last, decoded, up to a number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.held_bytes = limit_bytes, 0
        self._held: OrderedDict[tuple[str, int], NDArray[np.uint8]] = OrderedDict()

    def get(self, photo: str, least_side: int = 1 << 30) -> NDArray[np.uint8]:
        """As :func:`load_photo`, from memory if it is there. The result is read-only."""
        key = (photo, least_side)
        picture = self._held.get(key)
        if picture is not None:
            self._held.move_to_end(key)
            return picture
        picture = load_photo(photo, least_side)
        picture.flags.writeable = False
        if picture.nbytes <= self.limit_bytes:
            self._held[key] = picture
            self.held_bytes += picture.nbytes
            while self.held_bytes > self.limit_bytes:
                self.held_bytes -= self._held.popitem(last=False)[1].nbytes
        return picture


_CACHE = PhotoCache(CACHE_BYTES)
