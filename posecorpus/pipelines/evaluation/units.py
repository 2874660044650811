"""Figures as text."""

from __future__ import annotations


def percent(value: float | None) -> str:
    """A share; empty for None."""
    return "" if value is None else f"{100 * value:.1f} %"


def millimetres(value: float | None) -> str:
    """A length; empty for None."""
    return "" if value is None else f"{value:.1f} mm"
