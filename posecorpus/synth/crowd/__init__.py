"""Several people in one picture: who stands where, so that they hide, but never touch, each other."""

from __future__ import annotations

from posecorpus.synth.crowd.meshes import intersect

__all__ = ["intersect"]
