"""``posecorpus verify``: does a corpus keep what it promises?

Checks, by the name they are reported under (a check applies only where the labels it needs exist):

=============  ========================================================================================
conventions    the manifest declares this package's conventions
complete       all planned shards and samples are there, and no others
legend         legends and palettes of parts and sticks are complete; everything used is described
skeletons      joint names, parents and mirror pairs are those of the named skeletons
hash           each shard's bytes are those that were written
columns        each shard has the columns of the schema
count          each shard has as many rows as the manifest says
keys           no key twice, no frame of a clip twice
sample         shapes, types, decodable rasters
camera         R is a rotation with det = +1, K plausible
reprojection   3D joints fall on 2D joints to 0.01 px (of lifted and predicted people see below)
body           3D joints are those of the posed body to 1 mm
bones          bones are as long as the body's, and constant within a clip
sides          left is left: of the nose, and of bending knees
visibility     visible joints show their person and part, hidden ones do not
bbox           the box of the person's pixels
image          the picture is not mirrored or upside down against its labels
ids            no part id outside the legend, no instance without a person
masks          parts, instances, depth, normals and flow agree on where there is something
instances      each pixel belongs to the person whose posed body a ray meets there
parts          each pixel shows the part a ray meets; visible joints lie on a part of theirs
depth          each pixel is as far as the body a ray meets; visible joints lie behind their surface
normals        unit length, towards the camera, along the depth's slope, those of the posed body
flow           each pixel leads to where the clip's next sample (or the provenance) has that point of the body
residual       lifted 3D joints are as far from the annotated 2D joints as is said
completed      joints that the annotation lacks are placed in 2D and 3D and count as hidden
trust          predicted errors lie within their own intervals; those of joints and pose agree
hypotheses     are before the camera, not mirrored, and spread as wide as is said
limbs          limbs of lifted people are no longer than captured ones, and of a person's size
sticks         skeleton maps have ids of the legend and a window, and are what the 3D joints give drawn again
predicted      people with a score stand before the camera, as far from their 2D joints as is said
ellipses       drawn parts (and their instances) are what the manifest's constants give drawn again
=============  ========================================================================================

Parts that the manifest says are drawn (as ellipses) are held to that, not to rays.
"""

from posecorpus.inspect.verify.report import Report, Violation
from posecorpus.inspect.verify.run import CHECKS, verify_corpus

__all__ = ["CHECKS", "Report", "Violation", "verify_corpus"]
