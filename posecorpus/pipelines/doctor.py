"""What works on this machine, and the one line that mends each thing that does not."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.text import Text

from posecorpus.pipelines.probes import PROBE_TIMEOUT_S, PROBES, Answer, ask

GIB = 1 << 30
WORKER_MEMORY_GIB = 0.7  # what one rendering worker may use
DISK_GIB = 2.0  # room for a small corpus and the compiled kernels
OPEN_BODIES = ("open_neutral.npz", "open_female.npz", "open_male.npz")
LICENSED_PATTERNS = ("smpl*.pkl", "smpl*.npz", "basicmodel*.pkl")


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: what was looked at.
        ok: it works here.
        detail: what was found, one line.
        fix: what to do about it, one line; empty where nothing need be done.
        required: posecorpus cannot do its main job without it.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    required: bool = False


def checks(timeout_s: float = PROBE_TIMEOUT_S) -> list[Check]:
    """Look at everything; never raises for what it finds.

    Args:
        timeout_s: how long each probe may take before it counts as hanging.
    """
    with ThreadPoolExecutor(max_workers=max(2, usable_cores())) as pool:
        waiting = {name: pool.submit(ask, name, timeout_s) for name in PROBES}
        answers = {name: future.result() for name, future in waiting.items()}
    has_nvidia = shutil.which("nvidia-smi") is not None
    return [
        _python(),
        _cores(),
        _memory(available_memory()),
        _disk(Path.cwd()),
        _packages(answers["packages"]),
        _open_bodies(),
        _numba(answers["numba"]),
        _numba_cache(os.environ),
        _torch(answers["torch"], has_nvidia),
        _faiss_gpu(answers["faiss_gpu"], has_nvidia, _is_installed("faiss-gpu")),
        _pyrender(answers["pyrender"]),
        _extra("ray", answers["ray"], "ray"),
        _extra("smplx", answers["smplx"], "smplx"),
        _licensed_bodies(body_folders(os.environ)),
    ]


def print_report(console: Console | None = None, timeout_s: float = PROBE_TIMEOUT_S) -> int:
    """Print every check and its fix; return the exit status: 1 if something required does not work, else 0."""
    out = console or Console()
    results = checks(timeout_s)
    width = max(len(check.name) for check in results)
    for check in results:
        mark, style = (
            ("ok", "green") if check.ok else ("FAIL", "bold red") if check.required else ("no", "yellow")
        )
        # Not a table: a fix is there to be copied, so it must not be folded into a column.
        out.print(
            Text.assemble((f"{mark:4}  ", style), f"{check.name:{width}}  {check.detail}"), soft_wrap=True
        )
        if not check.ok and check.fix:
            out.print(
                Text.assemble(" " * (6 + width), ("  fix: ", "bold"), check.fix),
                soft_wrap=True,
            )
    broken = [check.name for check in results if check.required and not check.ok]
    out.print(f"Broken: {', '.join(broken)}" if broken else "Everything required works.", soft_wrap=True)
    return 1 if broken else 0


def usable_cores() -> int:
    """CPU cores this process may run on (affinity, not the machine's total)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes of memory free for use, None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return None
    return None


def body_folders(environ: Mapping[str, str]) -> list[Path]:
    """Where a user's own SMPL files are looked for, in order."""
    named = [Path(environ["POSECORPUS_BODIES"])] if environ.get("POSECORPUS_BODIES") else []
    return [*named, Path("bodies"), Path.home() / ".posecorpus" / "bodies"]


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "Python",
        sys.version_info >= (3, 11),
        f"{found} ({sys.executable})",
        "install Python 3.11 or newer",
        required=True,
    )


def _cores() -> Check:
    cores = usable_cores()
    return Check("CPU cores", True, f"{cores} usable; --workers {cores} uses them all")


def _memory(available: int | None) -> Check:
    if available is None:
        return Check("memory", True, "the system does not tell how much is free")
    gib = available / GIB
    fits = int(gib / WORKER_MEMORY_GIB)
    fix = f"free some memory: a worker needs up to {WORKER_MEMORY_GIB} GiB"
    return Check("memory", fits >= 1, f"{gib:.1f} GiB free, room for {fits} workers", fix)


def _disk(folder: Path) -> Check:
    gib = shutil.disk_usage(folder).free / GIB
    return Check(
        "disk", gib >= DISK_GIB, f"{gib:.1f} GiB free in {folder}", "write the corpus to a roomier disk"
    )


def _packages(answer: Answer) -> Check:
    return Check("packages", answer.status == "works", answer.text, _install(""), required=True)


def _open_bodies() -> Check:
    folder = Path(__file__).parents[1] / "synth" / "bodies" / "data"
    missing = [name for name in OPEN_BODIES if not (folder / name).is_file()]
    detail = f"missing: {', '.join(missing)}" if missing else "neutral, female, male"
    clone = f"git checkout -- {folder.relative_to(Path(__file__).parents[2])}"
    fix = clone if _is_clone() else "pip install --force-reinstall --no-deps posecorpus"
    return Check("open bodies", not missing, detail, fix, required=True)


def _numba(answer: Answer) -> Check:
    fix = _install("", "--force-reinstall --no-deps numba llvmlite")
    return Check("numba", answer.status == "works", answer.text, fix, required=True)


def _numba_cache(environ: Mapping[str, str]) -> Check:
    """Numba keeps compiled kernels beside the source, or in the user's cache folder if it cannot."""
    if environ.get("NUMBA_CACHE_DIR"):
        candidates = [Path(environ["NUMBA_CACHE_DIR"])]
    else:
        user_cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        candidates = [Path(__file__).parents[1], user_cache]
    for folder in candidates:
        if _writable(folder):
            return Check("numba cache", True, str(folder))
    detail = f"not writable: {', '.join(map(str, candidates))}; every start compiles anew"
    return Check("numba cache", False, detail, "export NUMBA_CACHE_DIR=/some/writable/folder")


def _writable(folder: Path) -> bool:
    """Whether a file can be made in the folder, or in the parent that the folder would be made in."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _torch(answer: Answer, has_nvidia: bool) -> Check:
    if answer.status == "works" and has_nvidia and answer.text.endswith("on cpu"):
        fix = "install the CUDA build of torch that fits the driver (nvidia-smi shows its version)"
        return Check("torch", False, f"{answer.text}, though there is an NVIDIA driver", fix)
    return _extra("torch", answer, "models")


def _faiss_gpu(answer: Answer, has_nvidia: bool, gpu_build_installed: bool) -> Check:
    if answer.status == "works":
        return Check("faiss GPU", True, answer.text)
    fix = "needs an NVIDIA GPU and its driver"
    if has_nvidia and gpu_build_installed:
        # Both builds install the same folder: a faiss-cpu that came later has replaced the GPU one.
        fix = _install("", "--force-reinstall --no-deps faiss-gpu")
    elif has_nvidia:
        fix = _install("gpu")
    return Check("faiss GPU", False, f"{answer.text}; the CPU index is used", fix)


def _is_installed(distribution: str) -> bool:
    return any(metadata.distributions(name=distribution))


def _pyrender(answer: Answer) -> Check:
    if answer.status == "fails":
        fix = "apt-get install libegl1 libgl1 libgl1-mesa-dri (or the GPU vendor's EGL library)"
        return Check("pyrender GL", False, answer.text, fix)
    return _extra("pyrender GL", answer, "pyrender")


def _extra(name: str, answer: Answer, extra: str) -> Check:
    return Check(name, answer.status == "works", answer.text, _install(extra))


def _licensed_bodies(folders: list[Path]) -> Check:
    found = [path for folder in folders for path in licensed_bodies(folder)]
    if found:
        shown = ", ".join(map(str, found[:3])) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        return Check("licensed bodies", True, f"{shown}; synth --body {found[0]} uses it")
    fix = "optional: put SMPL_*.pkl or .npz files into ~/.posecorpus/bodies and give one to synth --body"
    return Check("licensed bodies", False, "none found; the open bodies are used", fix)


def licensed_bodies(folder: Path) -> list[Path]:
    """Files named as SMPL's are handed out, in the folder or one folder below, sorted."""
    try:
        files = [path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.is_file()]
    except OSError:
        return []
    return sorted(path for path in files if any(Path(path.name.lower()).match(p) for p in LICENSED_PATTERNS))


def _is_clone() -> bool:
    return (Path(__file__).parents[2] / "constraints.txt").is_file()


def _install(extra: str, packages: str = "") -> str:
    """The pip command that installs an extra (or just ``packages``), as fits a clone or an installed wheel."""
    name = f"[{extra}]" if extra else ""
    target = packages or (f'-e ".{name}"' if _is_clone() else f'"posecorpus{name}"')
    return f"pip install {'-c constraints.txt ' if _is_clone() else ''}{target}"
