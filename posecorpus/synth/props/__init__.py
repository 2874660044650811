"""Things that belong to nobody: furniture, poles, balls, plants, what hands hold, and the user's meshes."""

from posecorpus.synth.props.catalogue import HELD, KINDS, SEATS, STANDING
from posecorpus.synth.props.draw import draw_props
from posecorpus.synth.props.furnished import NOTHING, Furnished, furnished
from posecorpus.synth.props.meshes import find_meshes, read_mesh
from posecorpus.synth.props.surface import place_prop, prop_surface

__all__ = [
    "HELD",
    "KINDS",
    "NOTHING",
    "SEATS",
    "STANDING",
    "Furnished",
    "draw_props",
    "find_meshes",
    "furnished",
    "place_prop",
    "prop_surface",
    "read_mesh",
]
