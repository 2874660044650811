"""The doctor against planted faults: modules that are absent, raise, abort or hang, and full machines."""

from __future__ import annotations

import io
import sys
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest
from rich.console import Console

from posecorpus.pipelines import doctor
from posecorpus.pipelines.probes import REQUIRED_MODULES, Answer, ask

FAULTS = {
    "absent": ("raise ModuleNotFoundError(\"No module named 'ray'\", name='ray')", "absent", "not installed (ray)"),
    "raises": ("raise ImportError('libcudart.so.12: no such file')", "fails", "libcudart.so.12"),
    "aborts": ("import os; os.abort()", "fails", "crashed with signal 6"),
    "exits": ("import os; os._exit(7)", "fails", "exit status 7"),
    "many lines": ("raise ImportError('one\\ntwo\\n' + 'x' * 5000)", "fails", "ImportError: one two xxx"),
}  # fmt: skip


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a module of the given name and source before the installed ones, for child processes."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def put(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)

    return put


@pytest.mark.parametrize("fault", FAULTS)
def test_a_probe_survives_what_the_module_does(plant, fault: str) -> None:
    source, status, text = FAULTS[fault]
    plant("ray", source)
    answer = ask("ray", timeout_s=60)
    assert answer.status == status
    assert text in answer.text
    assert "\n" not in answer.text
    assert len(answer.text) <= 200


def test_a_probe_that_hangs_is_given_up(plant) -> None:
    plant("ray", "import time; time.sleep(600)")
    assert ask("ray", timeout_s=0.5) == Answer("fails", "no answer within 0.5 s")


def test_a_probe_reports_the_version_it_finds(plant) -> None:
    plant("ray", "__version__ = '9.8.7'")
    assert ask("ray", timeout_s=60) == Answer("works", "9.8.7")


def test_a_missing_required_package_is_named(plant) -> None:
    plant("zstandard", "raise ImportError('wrong architecture')")
    answer = ask("packages", timeout_s=120)
    assert answer == Answer("fails", "zstandard does not import: wrong architecture")


def test_a_gpu_that_computes_nonsense_is_caught(plant) -> None:
    plant(
        "torch",
        "class _Any:\n"
        "    def __getattr__(self, name): return self\n"
        "    def __call__(self, *args, **kwargs): return self\n"
        "    def __matmul__(self, other): return self\n"
        "    def __float__(self): return 511.0\n"
        "    def __bool__(self): return True\n"
        "cuda = backends = _Any()\n"
        "def ones(*shape, device): return _Any()\n"
        "__version__ = '0'\n",
    )
    assert ask("torch", timeout_s=60) == Answer("fails", "torch 0 computes wrong results on cuda")


def test_required_modules_are_the_declared_dependencies() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    declared = {name.split(">=")[0].split("==")[0] for name in project["dependencies"]}
    modules = {
        "faiss-cpu": "faiss",
        "scikit-learn": "sklearn",
        "opencv-python-headless": "cv2",
        "pyyaml": "yaml",
        "pillow": "PIL",
    }
    # numba has its own probe; typer and rich have proved themselves by the time the doctor speaks
    expected = {modules.get(name, name) for name in declared} - {"numba", "typer", "rich"}
    assert set(REQUIRED_MODULES) == expected


def _works(name: str, timeout_s: float) -> Answer:
    return Answer("works", "1.0 on cpu")


def _report(monkeypatch: pytest.MonkeyPatch, broken: dict[str, Answer]) -> tuple[int, str]:
    monkeypatch.setattr(doctor, "ask", lambda name, timeout_s: broken.get(name) or _works(name, timeout_s))
    monkeypatch.setattr(doctor, "OPEN_BODIES", ())  # a fault of the clone is another test's
    out = io.StringIO()
    return doctor.print_report(Console(file=out, width=60, color_system=None)), out.getvalue()


@pytest.mark.parametrize("optional", ["torch", "faiss_gpu", "pyrender", "ray", "smplx"])
def test_an_optional_thing_missing_is_not_an_error(monkeypatch: pytest.MonkeyPatch, optional: str) -> None:
    status, text = _report(monkeypatch, {optional: Answer("absent", f"not installed ({optional})")})
    assert status == 0
    assert f"not installed ({optional})" in text
    assert "Everything required works." in text


@pytest.mark.parametrize("required", ["packages", "numba"])
def test_a_required_thing_broken_exits_1_and_is_named(monkeypatch: pytest.MonkeyPatch, required: str) -> None:
    status, text = _report(monkeypatch, {required: Answer("fails", "crashed with signal 11")})
    assert status == 1
    assert f"Broken: {required}" in text


def test_every_failure_has_a_fix_on_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "ask", lambda name, timeout_s: Answer("fails", "broken"))
    monkeypatch.setattr(doctor, "OPEN_BODIES", ("absent.npz",))
    monkeypatch.setattr(doctor, "available_memory", lambda: 1000)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage(10, 10, 0))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("POSECORPUS_BODIES", raising=False)
    monkeypatch.chdir(tmp_path)
    for check in doctor.checks():
        if not check.ok:
            assert check.fix, check
            assert "\n" not in check.fix + check.detail
    broken = {check.name for check in doctor.checks() if not check.ok}
    assert broken >= {
        "memory", "disk", "packages", "open bodies", "numba", "torch", "faiss GPU", "pyrender GL", "ray", "smplx",
        "licensed bodies",
    }  # fmt: skip
    out = io.StringIO()
    assert doctor.print_report(Console(file=out, width=40, color_system=None)) == 1
    lines = out.getvalue().splitlines()
    # each fix can be copied whole, brackets and all, whatever the terminal's width
    assert any(line.endswith('pip install -c constraints.txt -e ".[ray]"') for line in lines)
    assert sum("fix: " in line for line in lines) == len(broken)


def test_torch_on_cpu_beside_an_nvidia_driver_is_pointed_out() -> None:
    assert not doctor._torch(Answer("works", "2.13.0 on cpu"), has_nvidia=True).ok
    assert doctor._torch(Answer("works", "2.13.0 on cpu"), has_nvidia=False).ok
    assert doctor._torch(Answer("works", "2.13.0 on cuda (H100)"), has_nvidia=True).ok


def test_the_gpu_index_is_only_suggested_where_there_is_a_gpu() -> None:
    answer = Answer("fails", "1.15.1 is the CPU build")
    assert doctor._faiss_gpu(answer, True, False).fix == 'pip install -c constraints.txt -e ".[gpu]"'
    assert "--force-reinstall --no-deps faiss-gpu" in doctor._faiss_gpu(answer, True, True).fix
    assert "pip" not in doctor._faiss_gpu(answer, False, False).fix


def test_numba_cache_falls_back_and_reports_a_read_only_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "not" / "yet" / "there"
    check = doctor._numba_cache({"NUMBA_CACHE_DIR": str(named)})
    assert (check.ok, check.detail) == (True, str(named))
    assert not named.exists()

    refused: set[Path] = {Path(doctor.__file__).parents[1]}
    monkeypatch.setattr(doctor, "_writable", lambda folder: folder not in refused)
    assert doctor._numba_cache({"XDG_CACHE_HOME": str(tmp_path)}).detail == str(tmp_path)
    refused.add(tmp_path)
    check = doctor._numba_cache({"XDG_CACHE_HOME": str(tmp_path)})
    assert not check.ok
    assert "NUMBA_CACHE_DIR" in check.fix


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not doctor._writable(tmp_path / "file" / "new")
    assert doctor._writable(tmp_path / "new" / "deeper")
    assert not (tmp_path / "new").exists()


def test_licensed_bodies_are_found_by_the_names_they_are_handed_out_with(tmp_path: Path) -> None:
    wanted = ["SMPL_NEUTRAL.pkl", "smpl/basicModel_f_lbs_10_207_0_v1.0.0.pkl", "smplx/SMPLX_MALE.npz"]
    for name in [*wanted, "motion.npz", "notes_SMPL.txt", "too/deep/SMPL_MALE.pkl"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in doctor.licensed_bodies(tmp_path)] == wanted
    assert doctor.licensed_bodies(tmp_path / "absent") == []
    folders = doctor.body_folders({"POSECORPUS_BODIES": str(tmp_path)})
    assert folders[0] == tmp_path
    assert doctor._licensed_bodies(folders).ok


def test_on_this_machine_everything_required_works() -> None:
    results = doctor.checks(timeout_s=300)  # a loaded machine is not a broken one
    assert {check.name: check.detail for check in results if check.required and not check.ok} == {}
    python = next(check for check in results if check.name == "Python")
    assert python.detail.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}")
