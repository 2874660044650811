"""The second renderer: pyrender on an EGL context, behind the signature of ``raster.engine.render``.

It is the oracle of the rasteriser and a bridge to OpenGL. Two passes a frame:

- colour: four-fold multisampled, the spherical-harmonics light evaluated at vertices (the rasteriser does it
  per pixel), albedo x irradiance in linear light, encoded by pyrender with gamma 2.2, composited on
  the background in encoded space;
- faces: one unblended sample at each pixel centre, every face drawn in the colour that is its number. All
  labels follow from the face and the pixel by the barycentrics of the ray. OpenGL snaps vertices to 1/256
  pixel, so it may show a face beside the ray: the face's nearest point counts then, for a face seen edge-on
  would be extrapolated far beyond its corners, as the depth buffer does.

The clip planes are set as tight as the scene allows: a 24-bit depth buffer then orders what is microns apart.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.core.errors import InputError
from posecorpus.synth.raster.light import sh_basis
from posecorpus.synth.scene import Frame, Mesh

NEAR_M = 0.05
MAX_FACES = (1 << 24) - 1
CLAMP_TO_EDGE = 33071
OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


def load_pyrender() -> ModuleType:
    """Import pyrender for headless use; raises :class:`InputError` with the fix where it is missing."""
    os.environ.setdefault("PYGLET_HEADLESS", "1")
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    try:
        import pyrender
    except ImportError as error:
        missing = str(error)
        fix = 'pip install "posecorpus[pyrender]"; apt-get install libegl1 libgl1 libgl1-mesa-dri'
        raise InputError("renderer pyrender", "the pyrender extra and EGL", missing, fix) from error
    module: ModuleType = pyrender
    return module


_lock = threading.Lock()
_alive: list[Any] = []  # offscreen renderers that share the EGL display
_retired: list[Any] = []


class PyrenderEngine:
    """An offscreen context for one thread; a context manager, or call :meth:`close`.

    Attributes:
        pyrender: the module; offscreen: its ``OffscreenRenderer``, None once closed.
    """

    def __init__(self) -> None:
        self.pyrender = load_pyrender()
        try:
            self.offscreen: Any = self.pyrender.OffscreenRenderer(16, 16)
        except Exception as error:  # the EGL stack raises whatever it likes, ctypes errors included
            fix = "apt-get install libegl1 libgl1 libgl1-mesa-dri"
            raise InputError(
                "renderer pyrender", "an EGL device", f"{type(error).__name__}: {error}", fix
            ) from error
        with _lock:
            _alive.append(self.offscreen)
        self._prime()

    def __enter__(self) -> PyrenderEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the context; closing twice is fine.

        pyrender's own clean-up shuts the display down for every context of the process, so only the last
        engine to close may call it; the others wait for that with their context idle.
        """
        if self.offscreen is None:
            return
        with _lock:
            _alive.remove(self.offscreen)
            if _alive:
                _retired.append(self.offscreen)
            else:
                self.offscreen.delete()
        self.offscreen = None

    def _prime(self) -> None:
        """Set the base colour of the flat program once.

        pyrender's SEG flag switches multisampling off, FLAT selects vertex colours; together they draw
        exact face numbers, but SEG leaves the material unset. Uniforms persist in their program, so
        one plain FLAT frame sets it for good.
        """
        corners = np.array([[[0, 0, -1.0], [1, 0, -1], [0, 1, -1]]])
        camera = Camera(np.array([[16.0, 0, 8], [0, 16, 8], [0, 0, 1]]), np.eye(3), np.zeros(3), 16, 16)
        scene = self.scene(camera, 0.1, 10.0)
        scene.add(self.pyrender.Mesh([self._numbered(corners)]))
        self.offscreen.render(scene, self.pyrender.RenderFlags.FLAT)

    def render(
        self,
        meshes: Sequence[Mesh],
        camera: Camera,
        light: NDArray[np.float32],
        background: NDArray[np.uint8],
    ) -> Frame:
        """Draw one frame: arguments, result and errors as of ``raster.engine.render``."""
        _check(camera, light, background)
        shape = (camera.height, camera.width)
        surfaces = [both_sides(mesh) for mesh in meshes if len(mesh.faces)]
        if sum(len(mesh.faces) for mesh in surfaces) > MAX_FACES:
            raise InputError("renderer pyrender", f"at most {MAX_FACES} faces", "more")
        depths = [(mesh.vertices @ camera.R[2] + camera.t[2]) for mesh in surfaces]
        if not surfaces or max(float(z.max()) for z in depths) <= NEAR_M:
            zeros = np.zeros(shape, dtype=np.uint8)
            return Frame(
                background.copy(), np.zeros(shape, np.float32), zeros, zeros.copy(),
                np.zeros((*shape, 3), np.float32), np.zeros((*shape, 2), np.float32),
            )  # fmt: skip
        near = max(NEAR_M, 0.99 * min(float(z.min()) for z in depths))
        far = 1.01 * max(float(z.max()) for z in depths)
        self.offscreen.viewport_width, self.offscreen.viewport_height = camera.width, camera.height
        rgb = self._colour(surfaces, self.scene(camera, near, far), camera, light, background)
        numbers = self._faces(surfaces, self.scene(camera, near, far))
        return _labels(surfaces, camera, rgb, numbers)

    def scene(self, camera: Camera, near: float, far: float) -> Any:
        """An empty scene seen by the camera under white ambient light."""
        scene = self.pyrender.Scene(bg_color=(0.0, 0.0, 0.0, 0.0), ambient_light=(1.0, 1.0, 1.0))
        view = np.eye(4)
        view[:3, :3], view[:3, 3] = camera.R, camera.t
        K = camera.K
        lens = self.pyrender.IntrinsicsCamera(K[0, 0], K[1, 1], K[0, 2], K[1, 2], znear=near, zfar=far)
        scene.add(lens, pose=np.linalg.inv(view) @ OPENGL_FROM_OPENCV)
        return scene

    def _colour(
        self,
        surfaces: Sequence[Mesh],
        scene: Any,
        camera: Camera,
        light: NDArray[np.float32],
        background: NDArray[np.uint8],
    ) -> NDArray[np.uint8]:
        """The colour pass over the background."""
        for mesh in surfaces:
            scene.add(self.pyrender.Mesh([self.painted(mesh, camera, light)]))
        picture, _ = self.offscreen.render(scene, self.pyrender.RenderFlags.RGBA)
        alpha = picture[..., 3:].astype(np.float32) / 255
        return np.asarray(
            np.rint(np.minimum(picture[..., :3] + (1 - alpha) * background, 255)), dtype=np.uint8
        )

    def painted(self, mesh: Mesh, camera: Camera, light: NDArray[np.float32]) -> Any:
        """A textured pyrender primitive whose vertex colours are the irradiance."""
        source = np.zeros(len(mesh.uv), dtype=np.int64)
        source[mesh.uv_faces] = mesh.faces
        uv, faces = mesh.uv, mesh.uv_faces
        if not np.array_equal(source[faces], mesh.faces):  # a texture coordinate shared by vertices
            source, uv = mesh.faces.reshape(-1).astype(np.int64), mesh.uv[mesh.uv_faces.reshape(-1)]
            faces = np.arange(len(source), dtype=np.int32).reshape(-1, 3)
        irradiance = np.maximum(sh_basis(mesh.normals @ camera.R.T) @ np.asarray(light, float), 0)[source]
        picture = mesh.texture.levels[0]
        if picture.shape[1] % 4:  # OpenGL expects rows of a multiple of four bytes
            picture = np.dstack([picture, np.full(picture.shape[:2], 255, dtype=np.uint8)])
        texture = self.pyrender.Texture(
            source=picture,
            source_channels="RGBA"[: picture.shape[2]],
            sampler=self.pyrender.Sampler(wrapS=CLAMP_TO_EDGE, wrapT=CLAMP_TO_EDGE),
        )
        material = self.pyrender.MetallicRoughnessMaterial(
            baseColorTexture=texture, metallicFactor=0.0, roughnessFactor=1.0
        )
        return self.pyrender.Primitive(
            positions=mesh.vertices[source], normals=mesh.normals[source], texcoord_0=uv,
            color_0=np.column_stack([irradiance, np.ones(len(source))]).astype(np.float32),
            indices=faces, material=material,
        )  # fmt: skip

    def _numbered(self, corners: NDArray[np.floating], first: int = 1) -> Any:
        """A primitive of (F, 3, 3) corners whose faces are coloured by their number."""
        numbers = np.repeat(np.arange(first, first + len(corners)), 3)
        colours = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], -1).astype(np.uint8)
        return self.pyrender.Primitive(
            positions=corners.reshape(-1, 3).astype(np.float32),
            color_0=colours,
            material=self.pyrender.MetallicRoughnessMaterial(),
        )

    def _faces(self, surfaces: Sequence[Mesh], scene: Any) -> NDArray[np.int64]:
        """The face pass: 1-based face numbers over all surfaces, 0 nothing."""
        flags = self.pyrender.RenderFlags
        shown: dict[Any, int] = {}
        first = 1
        for mesh in surfaces:
            primitive = self._numbered(mesh.vertices[mesh.faces], first)
            shown[scene.add(self.pyrender.Mesh([primitive]))] = 0
            first += len(mesh.faces)
        picture, _ = self.offscreen.render(scene, flags.SEG | flags.FLAT, shown)
        return np.asarray(picture.astype(np.int64) @ np.array([1, 1 << 8, 1 << 16]))


def both_sides(mesh: Mesh) -> Mesh:
    """A double-sided mesh as a single-sided one that has every face twice, the second time inside out."""
    if not mesh.double_sided:
        return mesh
    n, flipped = len(mesh.vertices), [0, 2, 1]
    return replace(
        mesh,
        vertices=np.concatenate([mesh.vertices, mesh.vertices]),
        vertices_next=np.concatenate([mesh.vertices_next, mesh.vertices_next]),
        normals=np.concatenate([mesh.normals, -mesh.normals]),
        faces=np.concatenate([mesh.faces, mesh.faces[:, flipped] + np.int32(n)]),
        face_parts=np.concatenate([mesh.face_parts, mesh.face_parts]),
        uv=np.concatenate([mesh.uv, mesh.uv]),
        uv_faces=np.concatenate([mesh.uv_faces, mesh.uv_faces[:, flipped] + np.int32(len(mesh.uv))]),
        double_sided=False,
    )


def _labels(
    surfaces: Sequence[Mesh],
    camera: Camera,
    rgb: NDArray[np.uint8],
    numbers: NDArray[np.int64],
) -> Frame:
    """Fill the labels from the face number of every pixel."""
    shape = numbers.shape
    depth = np.zeros(shape, np.float32)
    parts, instances = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    normals, flow = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 2), np.float32)
    first = 1
    for mesh in surfaces:
        y, x = np.nonzero((numbers >= first) & (numbers < first + len(mesh.faces)))
        face = numbers[y, x] - first
        first += len(mesh.faces)
        parts[y, x], instances[y, x] = mesh.face_parts[face], mesh.instance
        pixels = np.stack([x, y], -1) + 0.5
        corners = camera.to_camera(mesh.vertices[mesh.faces[face]])
        weights = seen_weights(corners, camera.unproject(pixels, np.ones(len(x))))
        depth[y, x] = np.einsum("nk,nk->n", weights, corners[..., 2])
        normal = np.einsum("nk,nkc->nc", weights, mesh.normals[mesh.faces[face]]) @ camera.R.T
        normals[y, x] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        later = camera.to_camera(np.einsum("nk,nkc->nc", weights, mesh.vertices_next[mesh.faces[face]]))
        ahead = later[:, 2] >= NEAR_M
        flow[y[ahead], x[ahead]] = camera.project_camera(later[ahead])[0] - pixels[ahead]
    return Frame(rgb, depth, parts, instances, normals, flow)


def seen_weights(corners: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Barycentrics of what rays see of triangles.

    Args:
        corners: (N, 3, 3) triangles in the camera frame.
        rays: (N, 3) directions from the origin with z = 1.

    Returns:
        (N, 3), none negative, sum 1: where the ray meets the triangle, or else the triangle's point that
        is nearest to the ray in the image.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    volumes = [np.einsum("nc,nc->n", rays, np.cross(p, q)) for p, q in ((b, c), (c, a), (a, b))]
    weights = np.stack(volumes, -1)
    total = weights.sum(-1, keepdims=True)
    weights = np.where(total == 0, -1.0, weights / np.where(total == 0, 1.0, total))
    outside = weights.min(-1) < 0
    ahead = corners[..., 2].min(-1) >= NEAR_M
    beside = np.flatnonzero(outside & ahead)
    weights[beside] = _nearest_on_outline(corners[beside], rays[beside])
    clipped = np.maximum(weights, 0)  # of what is left, faces that reach behind the camera
    sums = clipped.sum(-1, keepdims=True)
    return np.asarray(np.where(sums > 0, clipped / np.where(sums > 0, sums, 1.0), 1 / 3))


def _nearest_on_outline(corners: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) barycentrics of the points on the edges of triangles (N, 3, 3) that are nearest in the image."""
    places = corners[..., :2] / corners[..., 2:]
    along = np.roll(places, -1, axis=1) - places  # edge i runs from corner i to corner i + 1
    offset = rays[:, None, :2] - places
    length2 = (along**2).sum(-1)
    t = np.clip((offset * along).sum(-1) / np.where(length2 > 0, length2, 1.0), 0, 1)
    edge = ((offset - t[..., None] * along) ** 2).sum(-1).argmin(-1)
    row = np.arange(len(corners))
    weights = np.zeros((len(corners), 3))
    weights[row, edge], weights[row, (edge + 1) % 3] = 1 - t[row, edge], t[row, edge]
    weights /= corners[..., 2]  # from shares of the image to shares of the surface
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def _check(camera: Camera, light: NDArray[np.float32], background: NDArray[np.uint8]) -> None:
    if np.shape(light) != (9, 3):
        raise InputError("light", "spherical harmonics of shape (9, 3)", np.shape(light))
    if background.shape != (camera.height, camera.width, 3) or background.dtype != np.uint8:
        expected = f"({camera.height}, {camera.width}, 3) uint8"
        raise InputError("background", expected, f"{background.shape} {background.dtype}")
    if camera.K[0, 1] != 0 or camera.K[1, 0] != 0:
        raise InputError("camera K", "no skew with the renderer pyrender", camera.K.tolist())


_local = threading.local()


def render(
    meshes: Sequence[Mesh], camera: Camera, light: NDArray[np.float32], background: NDArray[np.uint8]
) -> Frame:
    """Draw meshes over a background: as ``raster.engine.render``, with this thread's own context.

    The context is made by the first call, serves all later ones, and is freed at exit.

    Raises:
        InputError: as the rasteriser; also if pyrender or EGL is missing, or the camera has skew.
    """
    engine: PyrenderEngine | None = getattr(_local, "engine", None)
    if engine is None:
        engine = _local.engine = PyrenderEngine()
        atexit.register(engine.close)
    return engine.render(meshes, camera, light, background)
