"""What skeleton maps must hold to, whoever drew them."""

from __future__ import annotations

from typing import Any

import numpy as np

from posecorpus.inspect.verify.joints import Messages
from posecorpus.inspect.verify.subject import Subject


def check_maps(subject: Subject) -> Messages:
    """Maps are of people with 3D, of a window and a width that exist; ids are the legend's; both maps cover the same."""
    maps = subject.sample.skeleton_maps
    if maps is None:
        return None
    legend = np.isin(np.arange(256), stick_ids(subject.sticks))
    messages = []
    for i, drawn in enumerate(maps):
        where, (x0, y0, x1, y1) = f"skeleton_maps[{i}]", drawn.window.tolist()
        if not (np.isfinite(drawn.window).all() and x0 < x1 and y0 < y1):
            messages.append(f"{where}.window: {drawn.window.tolist()} is no window")
        if not 0 < drawn.stick_px <= 2 * len(drawn.foreground):
            messages.append(f"{where}.stick_px: {drawn.stick_px:.4g} is no width of a stick")
        if subject.sample.people[drawn.person].joints3d is None:
            messages.append(f"{where}: people[{drawn.person}] has no 3D to draw")
        for name, ids in (("foreground", drawn.foreground), ("background", drawn.background)):
            strangers = np.unique(ids[~legend[ids]])
            if subject.sticks is not None and len(strangers):
                messages.append(f"{where}.{name}: id {strangers[0]} is not in the legend of sticks")
        if ((drawn.foreground > 0) != (drawn.background > 0)).any():
            messages.append(f"{where}: foreground and background disagree on where there is a stick")
    return messages


def stick_ids(described: Any) -> list[int]:
    """Ids of a manifest's legend of sticks; none where it has none."""
    legend = described.get("legend") if isinstance(described, dict) else None
    if not isinstance(legend, dict):
        return []
    return [int(i) for i in legend if isinstance(i, str) and i.isascii() and i.isdecimal() and int(i) < 256]
