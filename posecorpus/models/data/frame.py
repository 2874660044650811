"""How large pictures are when networks see them, in training and after it."""

from __future__ import annotations


def fit_size(width: int, height: int, shorter_px: int, longest_px: int) -> tuple[int, int, float]:
    """Width and height of a picture scaled so that its shorter side has ``shorter_px``, and the scale.

    Unless the longer side would pass ``longest_px``: then that is its length (Faster R-CNN, section 3.3).
    """
    shorter, longer = min(width, height), max(width, height)
    scale = min(shorter_px / shorter, longest_px / longer)
    return max(1, round(width * scale)), max(1, round(height * scale)), scale
