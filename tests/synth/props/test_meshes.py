"""Users' meshes: what they look like, how large they are, and what hostile ones are answered."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.bodies.skinning import vertex_normals
from posecorpus.synth.props import find_meshes, prop_surface, read_mesh
from posecorpus.synth.props.claims import MAX_FACES
from posecorpus.synth.props.meshes import THINNEST_M
from posecorpus.synth.raster.engine import render
from posecorpus.synth.scene import Mesh, Prop

WHITE_LIGHT = np.zeros((9, 3), np.float32)
WHITE_LIGHT[0] = 1


def _saved(folder: Path, name: str, mesh: trimesh.Trimesh) -> str:
    mesh.export(folder / name)
    return str(folder / name)


def _frame(path: str, eye: tuple[float, float, float]) -> np.ndarray:
    """(64, 64, 3) what the renderer makes of a mesh on black, in light that is the same from everywhere."""
    design = read_mesh(path)
    surface, vertices = prop_surface(Prop(path, 0, design.size, (0.0, 0.0, 0.0)))
    mesh = Mesh(
        vertices, vertices, vertex_normals(vertices, surface.faces), surface.faces, surface.face_parts, 0,
        surface.uv, surface.uv_faces, surface.texture, surface.double_sided,
    )  # fmt: skip
    camera = Camera.look_at(eye, (0, design.size[1] / 2, 0), 80, 64, 64)
    return render([mesh], camera, WHITE_LIGHT, np.zeros((64, 64, 3), np.uint8)).rgb


@pytest.mark.parametrize("suffix", ["obj", "ply", "stl", "glb"])
def test_every_format_gives_the_same_box(suffix: str, tmp_path: Path) -> None:
    box = trimesh.creation.box((0.6, 0.9, 0.4))
    box.apply_translation((3, -2, 7))
    design = read_mesh(_saved(tmp_path, f"box.{suffix}", box))
    assert np.allclose(design.size, (0.6, 0.9, 0.4), atol=1e-5)
    assert np.allclose(design.vertices.min(0), (-0.3, 0, -0.2), atol=1e-5)
    assert np.allclose(design.vertices.max(0), (0.3, 0.9, 0.2), atol=1e-5)
    # Six flat sides: every side has vertices of its own, so that its edges are sharp.
    assert len(design.vertices) == 24 and len(design.faces) == 12
    normals = vertex_normals(design.vertices, design.faces)
    assert np.allclose(np.abs(normals).max(1), 1, atol=1e-6)
    assert np.allclose(design.solids[:, 0].min(0), (-0.3, 0, -0.2), atol=THINNEST_M)
    assert np.allclose(design.solids[:, 1].max(0), (0.3, 0.9, 0.2), atol=THINNEST_M)


def test_a_ball_is_smooth(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(3, 0.5)
    design = read_mesh(_saved(tmp_path, "ball.stl", ball))  # an STL repeats every vertex
    assert len(design.vertices) == len(ball.vertices)
    outward = design.vertices - (0, 0.5, 0)
    normals = vertex_normals(design.vertices, design.faces)
    assert (np.sum(normals * outward, 1) / np.linalg.norm(outward, axis=1)).min() > 0.99


@pytest.mark.parametrize(
    ("extent", "metres"),
    [(1.7, 1.7), (170.0, 1.7), (900.0, 0.9), (30.0, 0.762), (0.06, 0.06), (1e7, 1.0), (1e-5, 1.0)],
)
def test_absurd_units_are_told_by_the_size(extent: float, metres: float, tmp_path: Path) -> None:
    box = trimesh.creation.box((extent / 2, extent, extent / 4))
    assert read_mesh(_saved(tmp_path, "box.ply", box)).size[1] == pytest.approx(metres, rel=1e-4)


def test_vertex_colours_and_face_colours_are_seen(tmp_path: Path) -> None:
    box = trimesh.creation.box((1, 1, 1))
    box.visual.face_colors = np.where(box.face_normals[:, 2:] > 0.5, (200, 40, 30, 255), (20, 60, 210, 255))
    path = _saved(tmp_path, "faces.ply", box)
    assert np.abs(_frame(path, (0, 0.5, 3))[32, 32] - np.array([200, 40, 30.0])).max() <= 2
    assert np.abs(_frame(path, (3, 0.5, 0))[32, 32] - np.array([20, 60, 210.0])).max() <= 2
    ball = trimesh.creation.icosphere(2, 0.5)
    ball.visual.vertex_colors = np.tile(np.array([10, 180, 90, 255], np.uint8), (len(ball.vertices), 1))
    assert (
        np.abs(_frame(_saved(tmp_path, "points.glb", ball), (0, 0.5, 3))[32, 32] - (10.0, 180, 90)).max() <= 2
    )


def _textured(folder: Path, picture: str = "skin.png") -> str:
    """A quad in the plane z = 0 whose picture is red on the left and green on the right."""
    colours = np.zeros((64, 64, 3), np.uint8)
    colours[:, :32, 2] = colours[:, 32:, 1] = 200
    cv2.imwrite(str(folder / "skin.png"), colours)
    (folder / "quad.mtl").write_text(f"newmtl skin\nKd 1 1 1\nmap_Kd {picture}\n")
    (folder / "quad.obj").write_text(
        "mtllib quad.mtl\nusemtl skin\nv -1 0 0\nv 1 0 0\nv 1 2 0\nv -1 2 0\n"
        "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nf 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"
    )
    return str(folder / "quad.obj")


def test_a_texture_beside_an_obj_is_seen_the_right_way_round(tmp_path: Path) -> None:
    frame = _frame(_textured(tmp_path), (0, 1, 3)).astype(float)
    assert np.abs(frame[32, 20] - (200, 0, 0)).max() <= 3 and np.abs(frame[32, 44] - (0, 200, 0)).max() <= 3


def test_a_texture_within_a_glb_is_seen(tmp_path: Path) -> None:
    scene = trimesh.load_scene(_textured(tmp_path))
    (tmp_path / "quad.glb").write_bytes(scene.export(file_type="glb"))
    (tmp_path / "skin.png").unlink()
    frame = _frame(str(tmp_path / "quad.glb"), (0, 1, 3)).astype(float)
    assert np.abs(frame[32, 20] - (200, 0, 0)).max() <= 3 and np.abs(frame[32, 44] - (0, 200, 0)).max() <= 3


@pytest.mark.parametrize(
    "where", ["../secret.png", "/etc/hostname", "sub/../../secret.png", "..\\secret.png"]
)
def test_no_file_outside_the_meshs_folder_is_read(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "meshes"
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "secret.png"), np.full((8, 8, 3), 255, np.uint8))
    path = _textured(folder, where)
    opened: list[str] = []
    monkeypatch.setattr("posecorpus.synth.props.mesh_files.read_limited", _recording(opened))
    read_mesh.cache_clear()
    read_mesh(path)
    assert {Path(name).name for name in opened} == {"quad.obj", "quad.mtl"}


def _recording(opened: list[str]):
    from posecorpus.core.files import read_limited

    def read(label: str, limit: int, what: str = "file") -> bytes:
        opened.append(label)
        return read_limited(label, limit, what)

    return read


def _glb(content: dict[str, object], binary: bytes = b"") -> bytes:
    text = json.dumps(content).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I", len(text)) + b"JSON" + text
    if binary:
        body += struct.pack("<I", len(binary)) + b"BIN\0" + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


_BOX_STL = trimesh.creation.box().export(file_type="stl")
HOSTILE: dict[str, tuple[str, bytes]] = {
    "empty obj": ("a.obj", b""),
    "points only": ("a.obj", b"v 0 0 0\nv 1 0 0\n"),
    "index out of range": ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n"),
    "not a number": ("a.obj", b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
    "infinite": ("a.obj", b"v 1e400 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
    "flat to a line": ("a.obj", b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"),
    "too many faces": ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n" + b"f 1 2 3\n" * (MAX_FACES + 1)),
    "one face of a million corners": ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf" + b" 1 2 3" * 500_000),
    "ply that claims terabytes": (
        "a.ply",
        b"ply\nformat binary_little_endian 1.0\nelement vertex 999999999999\nproperty float x\nend_header\n",
    ),
    "ply with a list of billions": (
        "a.ply",
        b"ply\nformat binary_little_endian 1.0\nelement face 1\nproperty list uint int vertex_indices\n"
        b"end_header\n\xff\xff\xff\x7f",
    ),
    "ply without end": ("a.ply", b"ply\n" + b"comment x\n" * 10_000),
    "truncated stl": ("a.stl", _BOX_STL[:-20]),
    "stl that claims billions": ("a.stl", b"\0" * 80 + b"\xff\xff\xff\xff"),
    "truncated glb": ("a.glb", trimesh.creation.box().export(file_type="glb")[:200]),
    "glb of noise": ("a.glb", bytes(range(256))),
    "glb with an accessor of billions": (
        "a.glb",
        _glb(
            {
                "asset": {"version": "2.0"},
                "accessors": [{"count": 10**12, "componentType": 5126, "type": "VEC3"}],
            }
        ),
    ),
    "glb whose node is its own child": (
        "a.glb",
        _glb({"asset": {"version": "2.0"}, "nodes": [{"children": [0, 0]}], "scenes": [{"nodes": [0]}]}),
    ),
    "glb that wants another file": (
        "a.glb",
        _glb({"asset": {"version": "2.0"}, "buffers": [{"uri": "../../secret.bin", "byteLength": 4}]}),
    ),
    "glb that wants the network": (
        "a.glb",
        _glb({"asset": {"version": "2.0"}, "images": [{"uri": "https://example.org/a.png"}]}),
    ),
    "glb of nested lists": (
        "a.glb",
        struct.pack("<4sIII4s", b"glTF", 2, 200_020, 200_000, b"JSON") + b"[" * 200_000,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    file, data = HOSTILE[name]
    path = tmp_path / file
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_mesh(str(path))
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posecorpus.synth.props.mesh_files.MAX_BYTES", 1000)
    path = tmp_path / "a.stl"
    path.write_bytes(b"\0" * 1001)
    with pytest.raises(InputError, match="at most"):
        read_mesh(str(path))


_GOOD = {
    "obj": trimesh.creation.box().export(file_type="obj").encode(),
    "ply": trimesh.creation.box().export(file_type="ply"),
    "stl": _BOX_STL,
    "glb": trimesh.creation.box().export(file_type="glb"),
}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(suffix=st.sampled_from(sorted(_GOOD)), data=st.data())
def test_damaged_files_are_read_or_refused(suffix: str, data: st.DataObject, tmp_path: Path) -> None:
    damaged = bytearray(_GOOD[suffix])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(damaged)
    read_mesh.cache_clear()
    try:
        design = read_mesh(str(path))
    except InputError:
        return
    assert np.isfinite(design.vertices).all() and max(design.size) <= 4.0 + 1e-6
    assert design.faces.max() < len(design.vertices) and (design.solids[:, 0] < design.solids[:, 1]).all()


def test_finding_meshes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.obj", "b/a.STL", "note.txt", ".hidden.ply"):
        (tmp_path / name).write_text("x")
    assert [Path(p).relative_to(tmp_path).as_posix() for p in find_meshes(tmp_path)] == ["b/a.STL", "z.obj"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="at least one"):
        find_meshes(tmp_path / "empty")
    with pytest.raises(InputError, match="folder"):
        find_meshes(tmp_path / "missing")
