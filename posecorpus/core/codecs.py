"""How per-pixel labels are stored: JPEG photographs, PNG ids, zstd for everything else.

Anyone can read them without this package: the image is a JPEG (or PNG), ``parts`` and ``instances``
are greyscale PNGs, and ``depth``, ``normals`` and ``flow`` are zstd frames of the raw little-endian
array in C order (H, W[, channels]) of the type given in :data:`posecorpus.core.sample.RASTERS`.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import zstandard
from numpy.typing import NDArray

from posecorpus.core.errors import InputError
from posecorpus.core.image_header import stored_size
from posecorpus.core.sample import RASTERS

JPEG_QUALITY = 92
MAX_PIXELS = 1 << 27
"""Largest image that is decoded; a header that claims more is refused before memory is taken."""

_PNG = [
    cv2.IMWRITE_PNG_COMPRESSION, 1,  # first: it resets the strategy
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE,
]  # fmt: skip
"""Ids come in runs: looking for nothing else is faster, and smaller."""


def _zstd(target_length: int) -> zstandard.ZstdCompressionParameters:
    """Level 1 with tables that stay in the processor's first cache: rasters repeat only what is near."""
    return zstandard.ZstdCompressionParameters.from_level(
        1, window_log=17, hash_log=12, min_match=5, target_length=target_length
    )


_ZSTD = {"depth_mm": _zstd(0), "normals": _zstd(2), "flow": _zstd(0)}
"""Normals hardly repeat: searching them half as densely makes them 3 % larger, in half the time."""


def encode(name: str, value: NDArray[Any]) -> bytes:
    """Encode one raster field of a sample (:data:`RASTERS` names them)."""
    if name == "image":
        return _imencode(
            ".jpg", cv2.cvtColor(value, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        )
    if name in ("parts", "instances"):
        return _imencode(".png", value, _PNG)
    little = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
    return zstandard.ZstdCompressor(compression_params=_ZSTD[name]).compress(little.data)


def decode(name: str, data: bytes, width: int, height: int, where: str) -> NDArray[Any]:
    """Decode one raster field; the counterpart of :func:`encode`.

    Args:
        where: named in the error when the bytes are not what the row promises.

    Raises:
        InputError: undecodable bytes or another size than (height, width).
    """
    dtype, channels = RASTERS[name]
    shape = (height, width) + ((channels,) if channels > 1 else ())
    if name in ("image", "parts", "instances"):
        if image_size(data, where) != (width, height):
            raise InputError(
                where, f"an image of {width}x{height}", "x".join(map(str, image_size(data, where)))
            )
        flag = cv2.IMREAD_COLOR if name == "image" else cv2.IMREAD_UNCHANGED
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None or image.shape != shape or image.dtype != dtype:
            raise InputError(where, f"a decodable {name} of shape {shape}", "damaged or other data")
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if name == "image" else image
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        # The frame says its size up front; without this check it could ask for any amount of memory.
        claimed = zstandard.frame_content_size(data)
        raw = zstandard.ZstdDecompressor().decompress(data) if claimed == size else b""
    except zstandard.ZstdError as error:
        raise InputError(where, "a zstd frame", error) from None
    if len(raw) != size:
        raise InputError(where, f"{size} bytes for {name} of shape {shape}", claimed)
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).reshape(shape).astype(dtype, copy=False)


def encode_map(ids: NDArray[np.uint8]) -> bytes:
    """A skeleton map's ids (S, S) as a greyscale PNG."""
    return encode("parts", ids)


def decode_map(data: bytes, size: int, where: str) -> NDArray[np.uint8]:
    """The counterpart of :func:`encode_map`; raises as :func:`decode`."""
    return decode("parts", data, size, size, where)


def image_size(data: bytes, where: str) -> tuple[int, int]:
    """(width, height) of a PNG or JPEG from its header alone.

    Raises:
        InputError: neither format, truncated, or more than :data:`MAX_PIXELS`.
    """
    size = stored_size(data)
    if size is None:
        raise InputError(where, "a PNG or JPEG image", f"{len(data)} bytes of something else")
    if size[0] * size[1] > MAX_PIXELS or min(size) < 1:
        raise InputError(where, f"an image of at most {MAX_PIXELS} pixels", f"{size[0]}x{size[1]}")
    return size


def _imencode(extension: str, image: NDArray[Any], parameters: list[int]) -> bytes:
    ok, data = cv2.imencode(extension, image, parameters)
    if not ok:
        raise RuntimeError(f"OpenCV could not encode a {image.shape} {image.dtype} image as {extension}")
    return bytes(data)
