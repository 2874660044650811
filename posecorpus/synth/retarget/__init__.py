"""Motions of any rig on the body's 24 joints."""

from __future__ import annotations

from posecorpus.synth.retarget.place import place
from posecorpus.synth.retarget.solve import retarget

__all__ = ["place", "retarget"]
