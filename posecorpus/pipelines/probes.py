"""Trying out what could crash or hang an interpreter: drivers, compilers, binary wheels.

Each probe runs in a process of its own with a time limit: ``python -m posecorpus.pipelines.probes NAME``
prints what it found as its last line, and its exit status says which :class:`Answer` it is.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

PROBE_TIMEOUT_S = 60.0
NOT_INSTALLED = 3  # exit status of a probe whose package is absent
REQUIRED_MODULES = (
    "numpy", "scipy", "faiss", "sklearn", "cv2", "trimesh", "pyarrow", "zstandard", "h5py", "pydantic", "yaml", "PIL", "fsspec",
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """How a probe ended: ``status`` is "works", "fails" or "absent"; ``text`` is its last line."""

    status: str
    text: str


def ask(name: str, timeout_s: float) -> Answer:
    """Run one probe in a process of its own, so that its crash or hang stays there."""
    command = [sys.executable, "-P", "-m", "posecorpus.pipelines.probes", name]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return Answer("fails", f"no answer within {timeout_s:g} s")
    if done.returncode < 0:
        return Answer("fails", f"crashed with signal {-done.returncode}")
    printed = (done.stdout.strip() or done.stderr.strip() or f"exit status {done.returncode}").splitlines()
    status = {0: "works", NOT_INSTALLED: "absent"}.get(done.returncode, "fails")
    return Answer(status, printed[-1][:200])


def _probe_packages() -> str:
    for name in REQUIRED_MODULES:
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever a broken wheel raises is the finding
            raise RuntimeError(f"{name} does not import: {error}") from error
    return f"all {len(REQUIRED_MODULES)} import"


def _probe_numba() -> str:
    numba = importlib.import_module("numba")

    @numba.njit  # type: ignore[untyped-decorator]
    def triangle(n: int) -> int:
        total = 0
        for i in range(n + 1):
            total += i
        return total

    if triangle(1000) != 500500:
        raise RuntimeError(f"numba {numba.__version__} computes wrong results")
    return f"{numba.__version__}, compiles"


def _probe_torch() -> str:
    torch: Any = importlib.import_module("torch")
    device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if float((torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)).sum()) != 512:
        raise RuntimeError(f"torch {torch.__version__} computes wrong results on {device}")
    name = f" ({torch.cuda.get_device_name()})" if device == "cuda" else ""
    return f"{torch.__version__} on {device}{name}"


def _probe_faiss_gpu() -> str:
    faiss: Any = importlib.import_module("faiss")
    if not hasattr(faiss, "StandardGpuResources"):
        raise RuntimeError(f"{faiss.__version__} is the CPU build")
    count = faiss.get_num_gpus()
    if count == 0:
        raise RuntimeError(f"{faiss.__version__} is the GPU build but sees no GPU")
    faiss.StandardGpuResources()
    return f"{faiss.__version__}, {count} GPU"


def _probe_pyrender() -> str:
    os.environ.setdefault("PYGLET_HEADLESS", "1")
    if sys.platform == "linux":
        os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    pyrender: Any = importlib.import_module("pyrender")
    trimesh: Any = importlib.import_module("trimesh")
    scene = pyrender.Scene()
    scene.add(pyrender.Mesh.from_trimesh(trimesh.creation.box(extents=(1, 1, 1))))
    pose = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 3], [0, 0, 0, 1]]
    scene.add(pyrender.PerspectiveCamera(yfov=1.0, aspectRatio=1.0), pose=pose)
    renderer = pyrender.OffscreenRenderer(32, 32)
    depth = renderer.render(scene, flags=pyrender.RenderFlags.DEPTH_ONLY)
    if abs(float(depth[16, 16]) - 2.5) > 1e-3:
        raise RuntimeError(f"GL draws wrongly: depth {float(depth[16, 16]):.3f} m instead of 2.5 m")
    return f"{metadata.version('pyrender2')}, draws by {os.environ.get('PYOPENGL_PLATFORM', 'the display')}"


def _probe_ray() -> str:
    return str(importlib.import_module("ray").__version__)


def _probe_smplx() -> str:
    importlib.import_module("smplx")
    return metadata.version("smplx")


PROBES: dict[str, Callable[[], str]] = {
    "packages": _probe_packages,
    "numba": _probe_numba,
    "torch": _probe_torch,
    "faiss_gpu": _probe_faiss_gpu,
    "pyrender": _probe_pyrender,
    "ray": _probe_ray,
    "smplx": _probe_smplx,
}


def _run_probe(name: str) -> int:
    """Print the finding of one probe as the last line; the exit status says what kind it is."""
    try:
        print(PROBES[name]())
        return 0
    except ModuleNotFoundError as error:
        print(f"not installed ({error.name})")
        return NOT_INSTALLED
    except Exception as error:  # the finding, whatever its type
        kind = "" if type(error) is RuntimeError else f"{type(error).__name__}: "
        print(" ".join(f"{kind}{error}".split()))
        return 1


if __name__ == "__main__":
    sys.exit(_run_probe(sys.argv[1]))
