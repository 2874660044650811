"""What tests may lean on: real data, an EGL library, Chromium, Ray, an S3 server. Each is optional for a developer and
required where ``POSECORPUS_REQUIRE`` (comma-separated: data, gl, browser, ray, s3) says so, as CI does."""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # Two processes that fill one numba cache at once can file a kernel under another's signature.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".numba_cache" / worker))
# Who starts tests in the background of a script hands them an ignored Ctrl-C; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
REQUIRED = set(filter(None, os.environ.get("POSECORPUS_REQUIRE", "").split(",")))
# The first example compiles kernels, and CI shares its cores: how long one takes means nothing.
settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")


def need(what: str, present: bool, hint: str) -> None:
    """Skip a test whose outside help is missing, or fail it where that help is required."""
    if present:
        return
    if what in REQUIRED:
        pytest.fail(f"{what} is required here but missing: {hint}")
    pytest.skip(f"{what} is missing: {hint}")


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder with the real MoCap, annotations, backgrounds and cameras (see CONTRIBUTING.md)."""
    folder = Path(os.environ.get("POSECORPUS_TEST_DATA", ROOT.parent / "shared" / "data"))
    need("data", folder.is_dir(), "set POSECORPUS_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium that can run headless."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    need("browser", found is not None, "install chromium")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def gl() -> None:
    """pyrender with a working EGL device; tests that use it carry the mark ``gl``."""
    from posecorpus.core.errors import InputError
    from posecorpus.synth.pyrender_engine import PyrenderEngine

    try:
        PyrenderEngine().close()
    except InputError as error:
        need("gl", False, str(error))


@pytest.fixture(scope="session")
def ray() -> ModuleType:
    """The ray extra's module."""
    try:
        import ray
    except ImportError as error:
        need("ray", False, f"{error}: pip install 'posecorpus[ray]'")
    return ray


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """URL of an S3 server in this process."""
    try:
        import s3fs  # noqa: F401
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        need("s3", False, f"{error}: pip install -e '.[dev]'")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a new bucket, which this process and those it starts can reach."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import s3fs

    bucket = f"bucket-{uuid.uuid4().hex}"
    s3fs.S3FileSystem().mkdir(bucket)
    return f"s3://{bucket}"
