"""How the kernels of the search are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compiled at the first call, cached on disk, without the GIL, IEEE arithmetic."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def fused_kernel(function: F) -> F:
    """As :func:`kernel`, but a product and a sum may be rounded once instead of twice."""
    fused: dict[str, Any] = {"fastmath": {"contract"}}
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", **fused)(function))
