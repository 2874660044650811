"""Pixels of pictures and of maps of ids in a view."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.codecs import decode, image_size
from posecorpus.core.errors import InputError
from posecorpus.models.data.view import Array, View

BORDER_RGB = (124, 116, 104)
"""What lies beyond the picture, in its first colours: the mean of ImageNet, which networks subtract."""
LARGEST_ZOOM = 1.25
"""A picture is made smaller before it is moved as long as that need not enlarge it by more."""
_JPEG = b"\xff\xd8"
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def decoded(data: bytes, width: int, height: int, scale: float, where: str) -> tuple[NDArray[np.uint8], int]:
    """An encoded picture as a view of that scale needs it, and how many times smaller that is.

    A JPEG that is seen small is decoded small, in half the time and without the noise of skipped pixels. Pixel
    (i, j) of one that is made r times smaller is the mean of the picture's pixels r i ... r (i + 1).

    Raises:
        InputError: damaged, or of another size.
    """
    reduction = reduction_for(scale)
    if reduction == 1 or not data.startswith(_JPEG):
        return smaller(decode("image", data, width, height, where), reduction), reduction
    if image_size(data, where) != (width, height):
        raise InputError(where, f"an image of {width}x{height}", "x".join(map(str, image_size(data, where))))
    flag = _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if image is None or image.shape != (-(-height // reduction), -(-width // reduction), 3):
        raise InputError(where, f"a decodable image of {width}x{height}", "damaged or other data")
    return _bytes(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)), reduction


def reduction_for(scale: float) -> int:
    """How many times smaller (1, 2, 4 or 8) a picture may be made before a view of that scale is taken."""
    return max([1, *(r for r in _REDUCED if scale * r <= LARGEST_ZOOM)])


def smaller(image: NDArray[np.uint8], reduction: int) -> NDArray[np.uint8]:
    """Means of squares of so many by so many pixels; those that stick out take the picture's border for the rest."""
    if reduction == 1:
        return image
    height, width = image.shape[:2]
    size = (-(-width // reduction), -(-height // reduction))
    right, below = size[0] * reduction - width, size[1] * reduction - height
    whole = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE) if right or below else image
    return _bytes(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))


def warped(image: NDArray[np.uint8], view: View, reduction: int = 1) -> NDArray[np.uint8]:
    """A picture (H, W, 3) RGB in a view, in whose colours it and :data:`BORDER_RGB` beyond it are.

    Args:
        reduction: how many times smaller it is than the picture that the view is of.
    """
    matrix = view.matrix * (reduction, reduction, 1)
    # Four channels are moved in half the time of three, to the same bytes.
    moved = cv2.warpAffine(
        cv2.cvtColor(image, cv2.COLOR_RGB2RGBA),
        _between_centres(matrix),
        (view.width, view.height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=BORDER_RGB,
    )
    result = cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB)
    return _bytes(result if view.colours is None else cv2.transform(result, view.colours))


def warped_ids(ids: NDArray[np.uint8], view: View, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A map of ids (H, W) in a view, each pixel that of the nearest one, renamed by a table (256,); 0 beyond."""
    size = (view.width, view.height)
    moved = cv2.warpAffine(ids, _between_centres(view.matrix), size, flags=cv2.INTER_NEAREST)
    return _bytes(cv2.LUT(moved, table))


def _between_centres(matrix: Array) -> Array:
    """OpenCV counts pixels from the centre of the first, we from its corner."""
    result = matrix.copy()
    result[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5
    return result


def _bytes(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """What OpenCV gives, whose types say less than it keeps."""
    return image.astype(np.uint8, copy=False)
