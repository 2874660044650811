"""Places: sites with a floor to stand on, their light, and the shadows people throw there."""

from posecorpus.synth.places.calibrated import load_cameras
from posecorpus.synth.places.light import light_site
from posecorpus.synth.places.paint import paint_site
from posecorpus.synth.places.plates import CalibratedPlate, PhotoPlate, Plate
from posecorpus.synth.places.shadow import cast_shadow
from posecorpus.synth.places.site import Site, draw_site

__all__ = [
    "CalibratedPlate",
    "PhotoPlate",
    "Plate",
    "Site",
    "cast_shadow",
    "draw_site",
    "light_site",
    "load_cameras",
    "paint_site",
]
