"""How the rasterisers of labels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])
_UNCOUNTED: dict[str, Any] = {"_nrt": False}  # in every numba, but not in its type hints


def kernel(function: F) -> F:
    """Compile at the first call and cache on disk, release the GIL, keep IEEE arithmetic: same input, same bytes."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def tight_kernel(function: F) -> F:
    """As :func:`kernel`, without reference counts: nothing is allocated inside, and the caller keeps its arrays."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", **_UNCOUNTED)(function))


def inline(function: F) -> F:
    """A helper of kernels in the SAME file: numba's cache notices changes of the caller's file only."""
    return cast(F, numba.njit(forceinline=True, error_model="numpy", **_UNCOUNTED)(function))
