"""Places: sites with a floor to stand on, their light, and the shadows people throw there."""

from posecorpus.synth.places.calibrated import load_cameras
from posecorpus.synth.places.light import light_site
from posecorpus.synth.places.paint import paint_site
from posecorpus.synth.places.plates import CalibratedPlate, PhotoPlate, Plate
from posecorpus.synth.places.screen import Rejected, count_reasons, screen_photos
from posecorpus.synth.places.shadow import cast_shadow
from posecorpus.synth.places.sidecar import Stated, read_sidecar
from posecorpus.synth.places.site import Site, draw_site

__all__ = [
    "CalibratedPlate",
    "PhotoPlate",
    "Plate",
    "Rejected",
    "Site",
    "Stated",
    "cast_shadow",
    "count_reasons",
    "draw_site",
    "light_site",
    "load_cameras",
    "paint_site",
    "read_sidecar",
    "screen_photos",
]
