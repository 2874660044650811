"""The columns of a shard, and the way between a :class:`Sample` and a row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.codecs import decode, decode_map, encode, encode_map
from posecorpus.core.errors import InputError
from posecorpus.core.sample import RASTERS, Lift, Person, Sample, SkeletonMap

SCHEMA_VERSION = 2

_F32, _F64 = pa.float32(), pa.float64()

CAMERA = pa.struct([("K", pa.list_(_F64, 9)), ("R", pa.list_(_F64, 9)), ("t", pa.list_(_F64, 3))])
LIFT = pa.struct(
    [
        ("method", pa.string()),
        ("completed", pa.list_(pa.bool_())),
        ("match_distance", _F32),
        ("residual_px", _F32),
        ("spread_mm", pa.list_(_F32)),
        ("error_mm", pa.list_(_F32)),
        ("interval_mm", pa.list_(pa.list_(_F32, 2))),
        ("pose_error_mm", _F32),
        ("pose_interval_mm", pa.list_(_F32, 2)),
        ("hypotheses", pa.list_(pa.list_(pa.list_(_F32, 3)))),
        ("measured_error_mm", _F32),
    ]
)
SKELETON_MAP = pa.struct(
    [
        ("person", pa.int32()),
        ("stick_px", _F32),
        ("window", pa.list_(_F32, 4)),
        ("size", pa.int32()),
        ("foreground", pa.binary()),
        ("background", pa.binary()),
    ]
)
PERSON = pa.struct(
    [
        ("skeleton", pa.string()),
        ("joints2d", pa.list_(pa.list_(_F32, 2))),
        ("joints3d", pa.list_(pa.list_(_F32, 3))),
        ("visibility", pa.list_(pa.uint8())),
        ("bbox", pa.list_(_F32, 4)),
        ("body", pa.string()),
        ("gender", pa.string()),
        ("pose", pa.list_(pa.list_(_F32, 3))),
        ("betas", pa.list_(_F32)),
        ("translation", pa.list_(_F32, 3)),
        ("motion", pa.string()),
        ("motion_frame", pa.int32()),
        ("score", _F32),
        ("lift", LIFT),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        ("image", pa.binary()),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        ("camera", CAMERA),
        ("people", pa.list_(PERSON)),
        ("parts", pa.binary()),
        ("instances", pa.binary()),
        ("depth", pa.binary()),
        ("normals", pa.binary()),
        ("flow", pa.binary()),
        ("skeleton_maps", pa.list_(SKELETON_MAP)),
        ("clip", pa.string()),
        ("frame", pa.int32()),
        ("provenance", pa.string()),
    ],
    metadata={"posecorpus_schema": str(SCHEMA_VERSION)},
)

RASTER_COLUMNS = {field: field.removesuffix("_mm") for field in RASTERS}
"""Field of :class:`Sample` to column of a shard."""

_PERSON_ARRAYS: dict[str, type[np.generic]] = {
    "joints2d": np.float32, "joints3d": np.float32, "visibility": np.uint8, "bbox": np.float32,
    "pose": np.float32, "betas": np.float32, "translation": np.float32,
}  # fmt: skip
_LIFT_ARRAYS: dict[str, type[np.generic]] = {
    "completed": np.bool_, "spread_mm": np.float32, "error_mm": np.float32, "interval_mm": np.float32,
    "pose_interval_mm": np.float32, "hypotheses": np.float32,
}  # fmt: skip


def table(samples: Iterable[Sample]) -> pa.Table:
    """Validated samples as an Arrow table of :data:`SCHEMA`.

    Each is encoded before the next is asked for, but its people, who are small, are read at the end: they may not
    change until then.
    """
    rows, crowds = [], []
    for sample in samples:
        rows.append(_row(sample))
        crowds.append(sample.people)
    columns = [
        _people(crowds)
        if column.name == "people"
        else pa.array([row[column.name] for row in rows], column.type)
        for column in SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _people(crowds: Sequence[Sequence[Person]]) -> pa.ListArray:
    """The people of each sample. Their numbers, most of a row's, go from array to array: never Python's own."""
    people = [person for crowd in crowds for person in crowd]
    fields = [_person_column(column, people) for column in PERSON]
    starts = np.cumsum([0] + [len(crowd) for crowd in crowds], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(starts), pa.StructArray.from_arrays(fields, fields=list(PERSON)))


def _person_column(column: pa.Field, people: Sequence[Person]) -> pa.Array:
    values = [getattr(person, column.name) for person in people]
    if column.name == "lift":
        return pa.array([None if lift is None else _lift_row(lift) for lift in values], column.type)
    if column.name not in _PERSON_ARRAYS:
        return pa.array(values, column.type)
    return _lists(column.type, values, _PERSON_ARRAYS[column.name])


def _lists(kind: pa.DataType, values: Sequence[NDArray[Any] | None], number: type[np.generic]) -> pa.Array:
    """Arrays (K,) or (K, C), or None, as a column of lists of numbers, or of lists of C of them."""
    fixed = pa.types.is_fixed_size_list(kind)
    blank = np.zeros(kind.list_size if fixed else 0, number)  # room that Arrow wants for what is missing
    filled = [blank if value is None else value for value in values]
    items = pa.array(np.concatenate([blank[:0], *(value.ravel() for value in filled)]))
    if pa.types.is_fixed_size_list(kind.value_type):
        items = pa.FixedSizeListArray.from_arrays(items, type=kind.value_type)
    missing = pa.array([value is None for value in values], pa.bool_())
    if fixed:
        return pa.FixedSizeListArray.from_arrays(items, type=kind, mask=missing)
    starts = np.cumsum([0] + [len(value) for value in filled], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(starts), items, type=kind, mask=missing)


def _lift_row(lift: Lift) -> dict[str, Any]:
    return vars(lift) | {name: getattr(lift, name).tolist() for name in _LIFT_ARRAYS}


def _row(sample: Sample) -> dict[str, Any]:
    """All columns but the people."""
    sample.validate()
    row: dict[str, Any] = {
        "key": sample.key,
        "width": sample.width,
        "height": sample.height,
        "camera": None if sample.camera is None else _camera_row(sample.camera),
        "clip": sample.clip,
        "frame": sample.frame,
        "provenance": json.dumps(sample.provenance, sort_keys=True),
    }
    for field, column in RASTER_COLUMNS.items():
        value = getattr(sample, field)
        row[column] = sample.encoded.get(field) if value is None else encode(field, value)
    maps = sample.skeleton_maps
    row["skeleton_maps"] = None if maps is None else [_map_row(drawn) for drawn in maps]
    return row


def _camera_row(camera: Camera) -> dict[str, list[float]]:
    return {"K": camera.K.ravel().tolist(), "R": camera.R.ravel().tolist(), "t": camera.t.tolist()}


def _map_row(drawn: SkeletonMap) -> dict[str, Any]:
    return {
        "person": drawn.person,
        "stick_px": drawn.stick_px,
        "window": drawn.window.tolist(),
        "size": len(drawn.foreground),
        "foreground": encode_map(drawn.foreground),
        "background": encode_map(drawn.background),
    }


def sample_of(
    row: Mapping[str, Any], where: str, fields: Iterable[str] = RASTERS, *, keep_encoded: bool = False
) -> Sample:
    """A row (as ``Table.to_pylist`` gives it) as a validated sample.

    Args:
        where: the file, named in errors.
        fields: raster fields to decode; the others stay None.
        keep_encoded: put the others into ``Sample.encoded``.

    Raises:
        InputError: a row that breaks the schema's rules.
    """
    where = f"{where}: {row['key']}"
    width, height = row["width"], row["height"]
    sample = Sample(
        key=row["key"],
        width=width,
        height=height,
        camera=None if row["camera"] is None else _camera_of(row["camera"], width, height, where),
        people=[_person_of(person) for person in row["people"] or ()],
        clip=row["clip"],
        frame=row["frame"],
        provenance=_provenance_of(row["provenance"], where),
    )
    wanted = set(fields)
    for field, column in RASTER_COLUMNS.items():
        data = row.get(column)
        if data is not None and field in wanted:
            setattr(sample, field, decode(field, data, width, height, f"{where}: {field}"))
        elif data is not None and keep_encoded:
            sample.encoded[field] = data
    if row.get("skeleton_maps") is not None:
        sample.skeleton_maps = [
            _map_of(drawn, f"{where}: skeleton_maps[{i}]") for i, drawn in enumerate(row["skeleton_maps"])
        ]
    sample.validate()
    return sample


def _camera_of(row: Mapping[str, Any], width: int, height: int, where: str) -> Camera:
    try:
        K, R, t = (np.array(row[name], dtype=np.float64) for name in ("K", "R", "t"))
        return Camera(K.reshape(3, 3), R.reshape(3, 3), t, width, height)
    except InputError as error:
        raise InputError(f"{where}: {error.where}", error.expected, error.got, error.fix) from None


def _person_of(row: Mapping[str, Any]) -> Person:
    values = dict(row)
    for name, dtype in _PERSON_ARRAYS.items():
        values[name] = None if values[name] is None else np.array(values[name], dtype=dtype)
    if values.get("lift") is not None:
        lift = dict(values["lift"])
        joints = len(values["joints2d"])
        for name, dtype in _LIFT_ARRAYS.items():
            lift[name] = np.array(lift[name], dtype=dtype)
        lift["hypotheses"] = lift["hypotheses"].reshape(-1, joints, 3)  # also when there are none
        values["lift"] = Lift(**lift)
    return Person(**values)


def _map_of(row: Mapping[str, Any], where: str) -> SkeletonMap:
    return SkeletonMap(
        person=row["person"],
        stick_px=row["stick_px"],
        window=np.array(row["window"], np.float32),
        foreground=decode_map(row["foreground"], row["size"], f"{where}.foreground"),
        background=decode_map(row["background"], row["size"], f"{where}.background"),
    )


def _provenance_of(text: str | None, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{where}: provenance", "JSON", error) from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: provenance", "a JSON object", type(value).__name__)
    return value
