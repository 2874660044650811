"""Several people in one picture: who stands where, so that they hide, but never touch, each other."""

from __future__ import annotations

from posecorpus.synth.crowd.figure import heading_of
from posecorpus.synth.crowd.meshes import Placement, intersect
from posecorpus.synth.crowd.place import place_people

__all__ = ["Placement", "heading_of", "intersect", "place_people"]
