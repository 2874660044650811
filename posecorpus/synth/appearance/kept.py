"""Measurements of a body that are made once in a process and kept as long as the body lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Body = TypeVar("Body")
Value = TypeVar("Value")


def kept_with_body(measure: Callable[[Body], Value]) -> Callable[[Body], Value]:
    """Make a function remember its result for each body, by identity: bodies need not be hashable."""
    held: dict[int, tuple[weakref.ref[Body], Value]] = {}

    @wraps(measure)
    def measured(body: Body) -> Value:
        key = id(body)
        found = held.get(key)
        if found is None or found[0]() is not body:
            reference = weakref.ref(body, lambda _: held.pop(key, None))
            found = held[key] = (reference, measure(body))
        return found[1]

    return measured
