"""Random pictures with real bodies in built-in motions, and what they show by the renderer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from posecorpus.core.cameras import Camera
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.bodies.skinning import pose_body, vertex_normals
from posecorpus.synth.builtin import builtin_motion
from posecorpus.synth.config import CrowdConfig
from posecorpus.synth.crowd import Placement, heading_of, place_people
from posecorpus.synth.ground import Ground
from posecorpus.synth.motion import BodyMotion
from posecorpus.synth.raster.engine import render
from posecorpus.synth.scene import Mesh, Texture

GENDERS = ("neutral", "female", "male")
GREY = Texture((np.full((4, 4, 3), 128, np.uint8),))


@dataclass(frozen=True, eq=False)
class Picture:
    """People and where they were put."""

    camera: Camera
    ground: Ground
    bodies: list[NDArray[np.float32]]
    faces: list[NDArray[np.int32]]
    headings: list[float]
    placed: list[Placement | None]

    def present(self) -> list[int]:
        return [i for i, at in enumerate(self.placed) if at is not None]

    def world(self, who: int, frame: int) -> NDArray[np.float64]:
        """(V, 3) vertices."""
        at = self.placed[who]
        assert at is not None
        return at.apply(self.bodies[who][frame])

    def depths(self) -> NDArray[np.float32]:
        """(P, H, W) depth of each person alone in the middle frame, inf where there is nothing of them."""
        maps = []
        for i in range(len(self.bodies)):
            if self.placed[i] is None:
                maps.append(np.full((self.camera.height, self.camera.width), np.inf, np.float32))
                continue
            body = next(b for b in map(_body, GENDERS) if b.faces is self.faces[i])
            v = self.world(i, len(self.bodies[i]) // 2).astype(np.float32)
            mesh = Mesh(
                v,
                v,
                vertex_normals(v, body.faces),
                body.faces,
                body.face_parts,
                1,
                body.uv,
                body.uv_faces,
                GREY,
            )
            black = np.zeros((self.camera.height, self.camera.width, 3), np.uint8)
            depth = render([mesh], self.camera, np.zeros((9, 3), np.float32), black).depth
            maps.append(np.where(depth > 0, depth, np.inf).astype(np.float32))
        return np.stack(maps)


def _body(gender: str):
    return load_body("open", gender)


@cache
def motions() -> list[BodyMotion]:
    names = ("walk", "run", "reach", "squat", "wave")
    return [builtin_motion(name, np.random.default_rng(i), 6.0) for i, name in enumerate(names)]


def view(rng: np.random.Generator) -> tuple[Camera, Ground]:
    """A camera over a floor that looks along -Z, and the floor's piece before it."""
    height, pitch = rng.uniform(0.9, 2.2), np.radians(rng.uniform(-5, 15))
    roll = np.radians(rng.uniform(-2, 2))
    down, ahead = np.sin(pitch), np.cos(pitch)
    c, s = np.cos(roll), np.sin(roll)
    R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]) @ np.array(
        [[1.0, 0, 0], [0, -ahead, down], [0, -down, -ahead]]
    )
    focal = 160 / np.tan(np.radians(rng.uniform(40, 75)) / 2)
    K = np.array([[focal, 0, 160], [0, focal, 120], [0, 0, 1.0]])
    camera = Camera(K, R, -R @ np.array([0, height, 0]), 320, 240)
    slope = 160 / focal
    corners = [(-slope, -1.0), (slope, -1.0), (9 * slope, -9.0), (-9 * slope, -9.0)]
    return camera, Ground(np.array(corners))


def picture(seed: int, count: int, frames: int = 1, config: CrowdConfig | None = None,
            ground: Ground | None = None) -> Picture:  # fmt: skip
    """The picture of a seed."""
    rng = np.random.default_rng([5, seed])
    camera, floor = view(rng)
    floor = ground or floor
    bodies, faces, headings = [], [], []
    for _ in range(count):
        body = _body(str(rng.choice(GENDERS)))
        motion = motions()[int(rng.integers(len(motions())))]
        start = int(rng.integers(len(motion.poses) - frames))
        poses = motion.poses[start : start + frames]
        moves = motion.translations[start : start + frames] - body.joints_template[0]
        betas = np.repeat(np.clip(rng.normal(0, 1, (1, 10)), -2, 2), frames, 0)
        posed = pose_body(body, betas, poses, moves)
        vertices = posed.vertices - (posed.joints[0, 0] * (1, 0, 1)).astype(np.float32)
        vertices[..., 1] -= vertices[..., 1].min()
        bodies.append(vertices)
        faces.append(body.faces)
        headings.append(heading_of(posed.transforms))
    placed = place_people(
        bodies, faces, floor, camera, config or CrowdConfig(), np.random.default_rng(seed), headings
    )
    return Picture(camera, floor, bodies, faces, headings, placed)
