"""MPII Human Pose, in the five shapes it is passed around in.

Andriluka et al., CVPR 2014. Coordinates are MATLAB's in all of them, the centre of the first pixel at
(1, 1). Which shape a file has is decided by its contents:

=====================  ======================================================================
``.mat``               the official release (structure ``RELEASE``)
``.h5``                Tompson's split with hourglass crops (``part``, ``visible``, ``imgname``, ...)
``.json``              a list of objects with ``joints``, ``joints_vis``, ``image``
``.csv`` with header   one column a coordinate, ``r ankle_X``, ..., and ``Scale``, ``Activity``
``.csv`` without       image name and 32 numbers
=====================  ======================================================================
"""

from __future__ import annotations

from pathlib import Path

from posecorpus.core.errors import InputError
from posecorpus.pseudogt.photos.mpii_h5 import read_mpii_h5
from posecorpus.pseudogt.photos.mpii_mat import read_mpii_mat
from posecorpus.pseudogt.photos.mpii_tables import read_mpii_csv, read_mpii_json
from posecorpus.pseudogt.photos.records import Annotations

_HEAD_BYTES = 512


def read_mpii(path: Path) -> Annotations:
    """The people of an MPII file of any of the shapes above, photo by photo.

    Raises:
        InputError: no such file, or none of them.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise InputError(path, "a file of annotations", error.strerror or error) from None
    if head.startswith(b"\x89HDF"):
        return read_mpii_h5(path)
    if head.startswith(b"MATLAB"):
        return read_mpii_mat(path)
    if head.lstrip()[:1] in (b"[", b"{") or head.startswith(b"\x1f\x8b"):
        return read_mpii_json(path)
    if b"," in head:
        return read_mpii_csv(path)
    raise InputError(path, "MPII annotations as .mat, .h5, .json or .csv", f"{head[:16]!r}")
