"""How every kernel of the rasteriser is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile ahead of the first call, cache on disk, release the GIL, and keep IEEE arithmetic.

    No fast-math: edge functions must be exactly antisymmetric for meshes to be watertight, and the same
    seed must give the same bytes on every machine. Error model ``numpy``: no branch per division.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inline(function: F) -> F:
    """A helper of kernels in the SAME file: numba's cache notices changes of the caller's file only.

    The same goes for constants: they are compiled in. After changing one that kernels of another file
    import, delete ``__pycache__``.
    """
    return cast(F, numba.njit(inline="always", error_model="numpy")(function))
