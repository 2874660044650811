"""Image formation: what a camera makes of the light that a renderer gives."""

from posecorpus.synth.exposure.develop import develop, encode
from posecorpus.synth.exposure.draw import draw_exposure, sub_times

__all__ = ["develop", "draw_exposure", "encode", "sub_times"]
