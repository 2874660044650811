"""How every kernel of the rasteriser is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile ahead of the first call, cache on disk, release the GIL, and keep IEEE arithmetic.

    No fast-math: edge functions must be exactly antisymmetric for meshes to be watertight, and the same
    seed must give the same bytes on every machine. Error model ``numpy``: no branch per division.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def tight_kernel(function: F) -> F:
    """As :func:`kernel`, for loops that allocate nothing, without reference counts.

    Each array that is handed to an inlined helper, and each row taken of one, is otherwise counted up and down
    by atomic instructions, inside the loop. The caller's references outlive the call. An allocation in
    such a kernel does not compile.
    """
    uncounted: dict[str, Any] = {"_nrt": False}  # in every numba, but not in its type hints
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", **uncounted)(function))


def inline(function: F) -> F:
    """A helper of kernels in the SAME file: numba's cache notices changes of the caller's file only.

    The same goes for constants: they are compiled in. After changing one that kernels of another file
    import, delete ``__pycache__``.
    """
    return cast(F, numba.njit(inline="always", error_model="numpy")(function))
