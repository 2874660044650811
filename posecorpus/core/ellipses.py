"""Which circles and ellipses make up a person's part mask, as plain data (DMHS, section 4.1).

A part is one or more *shapes*. A shape lies along a segment between two points of the body (a joint, or the
middle of two), and its measures are constants in units of the person's *size*, so that one set holds at any
resolution. Points name landmarks (:mod:`posecorpus.core.skeletons`) in order of preference, so that the same
shapes serve every skeleton; where a skeleton or an annotation lacks what a shape needs, another *form* of it
with constants of its own takes over (a head from ears instead of neck and crown), and failing that, the
shape is left out.

Size is the length of the torso, mid shoulders to mid hips, that the person would have by average proportions:

- with 3D joints, (sum of the lengths of the reference segments) / (sum of their proportions) in metres, times
  the pixels in a metre that fit the same segments' 2D offsets to the x, y of their 3D offsets best (least squares);
- without, the second largest of (2D length / proportion) over the reference segments: foreshortening only
  shortens, and one misplaced joint must not decide (the only one, if there is one).

With segment ends p and q (pixels) and their camera-frame depths (metres), a shape is the near half of the ellipsoid
with, along the segment's direction u, across it v, and in depth z::

    centre   c = p + centre (q - p)                           of (x, y) and z alike
    h = length |q - p| / 2,   d = length (z_q - z_p) / 2      half the segment, in the image and in depth
    extent   uu = h^2 + (cap size)^2    vv = (radius size)^2    uz = h d    zz = d^2 + (bulge size_in_metres)^2

Its outline is an ellipse with semi-axes sqrt(uu) along and sqrt(vv) across; with ``length`` 1 and ``cap`` 0 the segment
is the major axis exactly, as in the paper. A form without an end is a circle: h = d = 0, and its radius stands for its cap. A shape without
extent (a zero-length segment and cap 0) is left out. Pixels are sampled at their centres; the outline itself belongs
to the shape.

Depth order: a person whose labelled joints all have finite 3D is drawn by depth, the nearest surface winning
each pixel. Any other is drawn in the order of the table, later shapes over earlier ones. Of several people the
nearer one (mean z of its labelled joints) wins whole; where not all are drawn by depth, the larger one does. Ties go to the
earlier.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.ellipse_table import POINTS, REFERENCES, TABLES, Form, Measures, Shape
from posecorpus.core.errors import InputError
from posecorpus.core.parts import PartTaxonomy, taxonomy
from posecorpus.core.skeletons import Skeleton, skeleton

MAX_BYTES = 1 << 20
MEASURES = ("radius", "length", "centre", "cap", "bulge")
"""Order of a form's constants in :attr:`ShapePlan.measures`."""
BOUNDS: dict[str, tuple[float, float]] = {
    "radius": (1e-3, 2.0), "length": (0.0, 4.0), "centre": (-1.0, 2.0), "cap": (0.0, 2.0), "bulge": (0.0, 2.0),
}  # fmt: skip
"""What a constant may be; a file with others is refused."""


@dataclass(frozen=True)
class EllipseConstants:
    """The constants of one taxonomy's shapes.

    Attributes:
        taxonomy: name of the part taxonomy that is drawn.
        proportions: mean length of each reference segment in units of the torso's.
        shapes: by the key of a form.
        made_with: how they were found.
    """

    taxonomy: str
    proportions: Mapping[str, float]
    shapes: Mapping[str, Measures]
    made_with: str

    @property
    def parts(self) -> PartTaxonomy:
        """The taxonomy itself."""
        return taxonomy(self.taxonomy)

    def with_shape(self, key: str, **values: float) -> EllipseConstants:
        """A copy with some measures of one form changed."""
        return replace(self, shapes={**self.shapes, key: replace(self.shapes[key], **values)})

    def as_json(self) -> dict[str, Any]:
        """Plain data, for a file or a manifest; the inverse of :func:`constants_from_json`."""
        return {
            "taxonomy": self.taxonomy,
            "proportions": dict(self.proportions),
            "shapes": {key: asdict(measures) for key, measures in self.shapes.items()},
            "made_with": self.made_with,
        }


def naive_constants(taxonomy_name: str) -> EllipseConstants:
    """Guesses by eye, with segments as major axes: what fitted constants are compared with.

    Raises:
        InputError: there are no ellipses for that taxonomy.
    """
    shapes = {form.key: form.naive for shape in shape_table(taxonomy_name) for form in shape.forms}
    proportions = {name: proportion for name, (_, _, proportion) in REFERENCES.items()}
    return EllipseConstants(taxonomy_name, proportions, shapes, "guessed by eye")


def shape_table(taxonomy_name: str) -> tuple[Shape, ...]:
    """The shapes of a taxonomy, in the order in which they are drawn without 3D.

    Raises:
        InputError: there are no ellipses for that taxonomy.
    """
    if taxonomy_name not in TABLES:
        raise InputError("ellipses", f"a taxonomy of {', '.join(TABLES)}", repr(taxonomy_name))
    return TABLES[taxonomy_name]


@dataclass(frozen=True)
class ShapePlan:
    """A taxonomy's shapes for one skeleton, compiled to index arrays for the rasterisers.

    Attributes:
        points: (P, A, 2) joint indices; point p is the mean of the two joints of its first alternative that are
            both labelled. -1: no such alternative.
        ends: (S, F, 2) start and end point of each form of each shape, -1: none. A start without an end is a circle.
        measures: (S, F, 5) float64 constants in the order of :data:`MEASURES`.
        labels: (S,) uint8 part ids.
        references: (R, 2) point indices of the segments that give a person's size.
        proportions: (R,) float64 their mean lengths, in units of size.
    """

    points: NDArray[np.int64]
    ends: NDArray[np.int64]
    measures: NDArray[np.float64]
    labels: NDArray[np.uint8]
    references: NDArray[np.int64]
    proportions: NDArray[np.float64]


def plan_shapes(constants: EllipseConstants, skeleton_: Skeleton) -> ShapePlan:
    """Compile the shapes of ``constants.taxonomy`` for a skeleton."""
    names = sorted(POINTS)
    points = np.array([_alternatives(name, skeleton_) for name in names], dtype=np.int64)
    shapes = shape_table(constants.taxonomy)
    most = max(len(shape.forms) for shape in shapes)
    ends = np.full((len(shapes), most, 2), -1, dtype=np.int64)
    measures = np.zeros((len(shapes), most, len(MEASURES)))
    for s, shape in enumerate(shapes):
        usable = [form for form in shape.forms if _reachable(form, names, points)]
        for f, form in enumerate(usable):
            ends[s, f, 0] = names.index(form.start)
            ends[s, f, 1] = names.index(form.end) if form.end else -1
            measures[s, f] = [getattr(constants.shapes[form.key], name) for name in MEASURES]
            if form.end is None:
                measures[s, f, MEASURES.index("cap")] = measures[s, f, MEASURES.index("radius")]
    ids = {part: i for i, part in constants.parts.legend.items()}
    references = [[names.index(a), names.index(b)] for a, b, _ in REFERENCES.values()]
    return ShapePlan(
        points=points,
        ends=ends,
        measures=measures,
        labels=np.array([ids[shape.part] for shape in shapes], dtype=np.uint8),
        references=np.array(references, dtype=np.int64),
        proportions=np.array([constants.proportions[name] for name in REFERENCES]),
    )


def _alternatives(point: str, skeleton_: Skeleton) -> list[list[int]]:
    """Joint index pairs of a point, those the skeleton has first, padded with -1."""
    found = [
        [skeleton_.landmarks.index(pair[0]), skeleton_.landmarks.index(pair[-1])]
        for pair in POINTS[point]
        if all(landmark in skeleton_.landmarks for landmark in pair)
    ]
    return found + [[-1, -1]] * (max(map(len, POINTS.values())) - len(found))


def _reachable(form: Form, names: list[str], points: NDArray[np.int64]) -> bool:
    return all(points[names.index(name), 0, 0] >= 0 for name in (form.start, form.end or form.start))


def constants_from_json(raw: object, where: str) -> EllipseConstants:
    """Read constants that :meth:`EllipseConstants.as_json` gave.

    Raises:
        InputError: something is missing, unknown, not a number or out of bounds.
    """
    if not isinstance(raw, dict) or set(raw) != {"taxonomy", "proportions", "shapes", "made_with"}:
        got = sorted(map(str, raw)) if isinstance(raw, dict) else type(raw).__name__
        raise InputError(where, "an object of taxonomy, proportions, shapes and made_with", got)
    naive = naive_constants(str(raw["taxonomy"]))
    proportions = _numbers(
        f"{where}: proportions", raw["proportions"], dict.fromkeys(REFERENCES, (1e-3, 10.0))
    )
    if not isinstance(raw["shapes"], dict) or set(raw["shapes"]) != set(naive.shapes):
        got = sorted(raw["shapes"]) if isinstance(raw["shapes"], dict) else type(raw["shapes"]).__name__
        raise InputError(f"{where}: shapes", ", ".join(sorted(naive.shapes)), got)
    shapes = {
        key: Measures(**_numbers(f"{where}: shapes.{key}", raw["shapes"][key], BOUNDS))
        for key in naive.shapes
    }
    return EllipseConstants(naive.taxonomy, proportions, shapes, str(raw["made_with"]))


def _numbers(where: str, raw: object, bounds: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    if not isinstance(raw, dict) or set(raw) != set(bounds):
        got = sorted(map(str, raw)) if isinstance(raw, dict) else type(raw).__name__
        raise InputError(where, f"an object of {', '.join(bounds)}", got)
    for name, (low, high) in bounds.items():
        value = raw[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InputError(f"{where}.{name}", f"a number from {low:g} to {high:g}", value)
    return {name: float(raw[name]) for name in bounds}


def load_constants(path: Path | str) -> EllipseConstants:
    """Read a file that ``posecorpus fit-ellipses`` wrote.

    Raises:
        InputError: no such file, too large, not JSON or not constants.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(path, f"at most {MAX_BYTES} bytes", path.stat().st_size)
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(path, "a file of ellipse constants", error.strerror or error) from None
    except (ValueError, RecursionError) as error:
        raise InputError(path, "JSON", error) from None
    return constants_from_json(raw, str(path))


@lru_cache(maxsize=4)
def default_constants(taxonomy_name: str) -> EllipseConstants:
    """The constants that the package ships, fitted to renders of its bodies; ``made_with`` tells how.

    Raises:
        InputError: there are no ellipses for that taxonomy.
    """
    shape_table(taxonomy_name)
    return load_constants(Path(__file__).with_name(f"ellipses_{taxonomy_name}.json"))


def plan_for(constants: EllipseConstants, skeleton_name: str) -> ShapePlan:
    """As :func:`plan_shapes`, by the skeleton's name; raises :class:`InputError` for an unknown one."""
    return plan_shapes(constants, skeleton(skeleton_name))
