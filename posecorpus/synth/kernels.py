"""Whether the compiled kernels are at hand, or the first sample will have to wait for the compiler."""

from __future__ import annotations

from pathlib import Path

from numba import config as numba_settings

from posecorpus.synth.config import SynthConfig

SOURCES = (
    "raster/shade.py",
    "raster/antialias.py",
    "bodies/skinning.py",
    "appearance/paint.py",
    "appearance/room_cast.py",
)
"""The files whose kernels take longest to compile; a frame needs all of them."""

PLACED_SOURCES = (
    "crowd/contact.py",
    "places/shadow_kernels.py",
    "exposure/kernels.py",
)
"""Those that scenes with a floor need beside them."""

WORN_SOURCES = ("clothing/cut.py", "clothing/binding.py")
"""Those for clothes that are surfaces of their own."""

DETAIL_SOURCES = ("bodies/decimate.py",)
"""Those for people who are far away."""

PROPS_SOURCES = ("props/solidity.py", "props/paint.py")
"""Those for things."""


def kernel_cache() -> Path:
    """The folder that compiled kernels are kept in or, beside their sources, under."""
    central: str = getattr(numba_settings, "CACHE_DIR")  # noqa: B009  (numba sets its settings at run time)
    return Path(central) if central else Path(__file__).parent


def kernels_are_compiled(config: SynthConfig) -> bool:
    """Whether numba's cache holds kernels as young as these sources, as far as file dates tell.

    Processes that compile into one cache at the same time waste each other's work and can disturb it, so
    a run with several workers fills a cold cache before it starts them.

    Args:
        config: what the scenes have.
    """
    needed = SOURCES + (PLACED_SOURCES if config.place.kind != "any" else ())
    needed += WORN_SOURCES if config.people.clothing == "worn" else ()
    needed += DETAIL_SOURCES if config.people.detail == "seen" else ()
    needed += PROPS_SOURCES if config.props.any() else ()
    return all(_is_compiled(Path(__file__).parent / source) for source in needed)


def _is_compiled(source: Path) -> bool:
    cache = kernel_cache()
    folder = source.parent / "__pycache__" if cache in source.parents else cache
    written = source.stat().st_mtime
    return any(index.stat().st_mtime >= written for index in folder.rglob(f"{source.stem}.*.nbi"))
