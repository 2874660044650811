"""What a mesh file claims to hold, checked before it is parsed: a few bytes can claim terabytes."""

from __future__ import annotations

import json
import re
import struct
from typing import Any

from posecorpus.core.errors import InputError

MAX_FACES = 200_000
MAX_NODES, MAX_IMAGES = 4096, 64
_MAX_HEADER = 1 << 16
_MAX_CORNERS = 6 * MAX_FACES


def check_claims(path: str, kind: str, data: bytes) -> None:
    """Refuse a file that claims more than :data:`MAX_FACES` faces or refers to what it should not.

    Raises:
        InputError: naming the file and the claim.
    """
    {"obj": _obj, "ply": _ply, "stl": _stl, "glb": _glb}[kind](path, data)


def _few(path: str, what: str, count: int, limit: int) -> None:
    if not 0 <= count <= limit:
        raise InputError(path, f"at most {limit} {what}", count, "simplify the mesh")


def _obj(path: str, data: bytes) -> None:
    lines = b"\n" + data
    _few(path, "faces", lines.count(b"\nf ") + lines.count(b"\nf\t"), MAX_FACES)
    _few(path, "vertices", lines.count(b"\nv "), 3 * MAX_FACES)
    # Polygons of many corners become many triangles: corners count, too.
    _few(
        path,
        "corners",
        sum(len(line.split()) for line in re.findall(rb"\nf[ \t][^\n]*", lines)),
        _MAX_CORNERS,
    )


def _ply(path: str, data: bytes) -> None:
    header, end, _ = data[:_MAX_HEADER].partition(b"end_header")
    if not end or not header.startswith(b"ply"):
        raise InputError(path, "a PLY header", "none")
    for name, count in re.findall(rb"element\s+(\S+)\s+(\S+)", header):
        if not count.isdigit() or len(count) > 18:
            raise InputError(path, "a number of elements", count[:40].decode("ascii", "replace"))
        limit = MAX_FACES if name == b"face" else 3 * MAX_FACES
        _few(path, f"elements {name[:40].decode('ascii', 'replace')}", int(count), limit)


def _stl(path: str, data: bytes) -> None:
    count = struct.unpack("<I", data[80:84])[0] if len(data) >= 84 else 0
    if len(data) == 84 + 50 * count:
        _few(path, "faces", count, MAX_FACES)
    else:
        if not data.lstrip()[:5].lower() == b"solid":
            raise InputError(
                path, "an intact STL", f"{len(data)} bytes that are neither its text nor its binary form"
            )
        _few(path, "faces", data.lower().count(b"endfacet"), MAX_FACES)


def _glb(path: str, data: bytes) -> None:
    if len(data) < 20 or data[:4] != b"glTF" or data[16:20] != b"JSON":
        raise InputError(path, "a binary glTF 2.0", "something else")
    length = int.from_bytes(data[12:16], "little")
    try:
        content = json.loads(data[20 : 20 + length])
        _gltf(path, content)
    except (ValueError, RecursionError, TypeError, AttributeError, LookupError) as error:
        raise InputError(path, "an intact glTF", f"{type(error).__name__}: {error}") from None


def _gltf(path: str, content: dict[str, Any]) -> None:
    for accessor in content.get("accessors", []):
        _few(path, "values in an accessor", int(accessor["count"]), 3 * MAX_FACES)
    nodes = content.get("nodes", [])
    _few(path, "nodes", len(nodes), MAX_NODES)
    _few(path, "accessors", len(content.get("accessors", [])), 16 * MAX_NODES)
    _few(path, "images", len(content.get("images", [])), MAX_IMAGES)
    children = [child for node in nodes for child in node.get("children", [])]
    if len(children) != len(
        set(children)
    ):  # a child of two parents, or of itself: the tree unfolds without end
        raise InputError(path, "a tree of nodes", "a node with two parents")
    for entry in content.get("buffers", []) + content.get("images", []):
        uri = str(entry.get("uri", "data:"))
        if not uri.startswith("data:"):
            raise InputError(path, "all data within the file", f"a reference to {uri[:60]!r}")
    drawn = [int(node["mesh"]) for node in nodes if "mesh" in node]
    accessors, meshes = content.get("accessors", []), content.get("meshes", [])
    total = 0
    for mesh in drawn:
        for primitive in meshes[mesh]["primitives"]:
            source = primitive.get("indices", primitive["attributes"].get("POSITION"))
            total += int(accessors[source]["count"])
    _few(path, "corners", total, _MAX_CORNERS)
