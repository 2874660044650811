"""Fetching from a local server that cuts connections, forgets ranges, changes files and sends error pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.pipelines.fetching import fetch
from posecorpus.pipelines.fetching.download import Patience
from posecorpus.pipelines.fetching.fetch import LOCK_NAME, TERMS, Site, fetch_cmu, parse_subjects

ASF = b"# a skeleton\n:version 1.10\n:units\n" + b"  comment to make it long\n" * 9000
AMC = b"#!OML:ASF x\n:FULLY-SPECIFIED\n:DEGREES\n" + b"1\nroot 0 0 0 0 0 0\n" * 9000


@dataclass
class Server:
    """What the server has and how it misbehaves.

    Attributes:
        files: by path.
        cut_after: bytes of body after which a connection is dropped, for each request in turn; None = never.
        ranges: whether it honours Range.
        etags: whether it sends one.
        refuse: statuses to answer with, for each request in turn, before it behaves.
        log: (path, Range header, status, bytes sent).
    """

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int | None] = field(default_factory=list)
    ranges: bool = True
    etags: bool = True
    refuse: list[int] = field(default_factory=list)
    log: list[tuple[str, str | None, int, int]] = field(default_factory=list)
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        body = self.files.get(request.path)
        status = self.refuse.pop(0) if self.refuse else 200 if body is not None else 404
        if status != 200 or body is None:
            self.log.append((request.path, wanted, status, 0))
            request.send_error(status)
            return
        tag, start = f'"{sha256(body).hexdigest()[:8]}"', 0
        if wanted and self.ranges and request.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.log.append((request.path, wanted, 416, 0))
                request.send_error(416)
                return
            status = 206
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) - start))
        if status == 206:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.etags:
            request.send_header("ETag", tag)
        request.end_headers()
        cut = self.cut_after.pop(0) if self.cut_after else None
        sent = body[start:] if cut is None else body[start : start + cut]
        self.log.append((request.path, wanted, status, len(sent)))
        request.wfile.write(sent)
        if cut is not None:
            request.wfile.flush()
            request.connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server({"/subjects/11/11.asf": ASF, "/subjects/11/11_01.amc": AMC})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                state.answer(self)
            except (OSError, ValueError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_address[1]}"
        yield state
        http.shutdown()
        thread.join()


waits: list[float] = []
PATIENT = Patience(timeout_s=5, attempts=3, wait_s=0.5, sleep=waits.append)


def run(server: Server, out: Path, *subjects: str, **options: object) -> fetch.Fetched:
    waits.clear()
    return fetch_cmu(subjects or ("11",), out, site=Site(server.url), patience=PATIENT, **options)  # type: ignore[arg-type]


def assert_complete(out: Path) -> None:
    """Both files are whole, recorded, and nothing else is left."""
    assert (out / "subjects/11/11.asf").read_bytes() == ASF
    assert (out / "subjects/11/11_01.amc").read_bytes() == AMC
    assert json.loads((out / LOCK_NAME).read_text()) == {
        "subjects/11/11.asf": {"bytes": len(ASF), "sha256": sha256(ASF).hexdigest()},
        "subjects/11/11_01.amc": {"bytes": len(AMC), "sha256": sha256(AMC).hexdigest()},
    }
    left = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert left == [LOCK_NAME, "subjects/11/11.asf", "subjects/11/11_01.amc"]


def test_downloads_once_and_says_the_terms(server: Server, tmp_path: Path) -> None:
    told: list[str] = []
    steps: list[tuple[str, int, int]] = []
    done = run(server, tmp_path, note=told.append, report=lambda *step: steps.append(step))
    assert (done.downloaded, done.kept, done.missing) == (2, 0, ())
    assert_complete(tmp_path)
    assert told == [TERMS] and "mocap.cs.cmu.edu" in TERMS and "EIA-0196217" in TERMS
    assert steps == [("downloading", 1, 2), ("downloading", 2, 2)]
    assert (run(server, tmp_path).downloaded, len(server.log)) == (0, 2)


def test_a_cut_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = [100_000, 70_000, None, 1]
    assert run(server, tmp_path).downloaded == 2
    assert_complete(tmp_path)
    asf = [entry[1:] for entry in server.log if entry[0].endswith(".asf")]
    assert asf == [
        (None, 200, 100_000),
        ("bytes=100000-", 206, 70_000),
        ("bytes=170000-", 206, len(ASF) - 170_000),
    ]


def test_progress_between_cuts_is_not_counted_against_the_server(server: Server, tmp_path: Path) -> None:
    """Many more cuts than attempts, but each brings something."""
    server.cut_after = [20_000] * 9
    assert run(server, tmp_path).downloaded == 2
    assert_complete(tmp_path)


def test_giving_up_keeps_the_part_for_the_next_run(server: Server, tmp_path: Path) -> None:
    server.cut_after = [50_000, 0, 0, 0]
    with pytest.raises(InputError, match=r"11\.asf: expected a complete file.*3 tries.*run again"):
        run(server, tmp_path)
    assert waits == [0.5, 1.0]
    assert not (tmp_path / "subjects/11/11.asf").exists()
    server.cut_after.clear()
    server.log.clear()
    run(server, tmp_path)
    assert server.log[0][1:3] == ("bytes=50000-", 206)
    assert_complete(tmp_path)


def test_a_server_that_ignores_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cut_after = [100_000]
    run(server, tmp_path)
    assert_complete(tmp_path)
    assert server.log[1][1:] == ("bytes=100000-", 200, len(ASF))


def test_a_server_without_versions_is_never_continued(server: Server, tmp_path: Path) -> None:
    server.etags = False
    server.cut_after = [100_000]
    run(server, tmp_path)
    assert_complete(tmp_path)
    assert server.log[1][1] is None


def test_a_file_that_changes_between_two_tries_is_not_mixed(server: Server, tmp_path: Path) -> None:
    old = b"# old\n:version 1.00\n" + b"old bytes\n" * 20_000
    server.files["/subjects/11/11.asf"] = old
    server.cut_after = [100_000, 0, 0, 0]
    with pytest.raises(InputError):
        run(server, tmp_path)
    server.files["/subjects/11/11.asf"] = ASF
    server.cut_after.clear()
    run(server, tmp_path)
    assert_complete(tmp_path)


def test_busy_servers_are_tried_again_and_refusals_are_not(server: Server, tmp_path: Path) -> None:
    server.refuse = [503, 429]
    run(server, tmp_path)
    assert_complete(tmp_path)
    assert waits == [0.5, 1.0]
    server.refuse = [403]
    with pytest.raises(InputError, match="HTTP 403"):
        run(server, tmp_path / "other")
    assert waits == []


def test_a_part_longer_than_the_file_starts_over(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "subjects/11"
    folder.mkdir(parents=True)
    (folder / "11.asf.part").write_bytes(ASF + b"more")
    (folder / "11.asf.part.tag").write_text(f'"{sha256(ASF).hexdigest()[:8]}"')
    run(server, tmp_path)
    assert_complete(tmp_path)


def test_files_the_site_does_not_have_are_listed(server: Server, tmp_path: Path) -> None:
    told: list[str] = []
    done = run(server, tmp_path, "11", "12_01", note=told.append)
    assert done.downloaded == 2 and [url.rsplit("/", 1)[1] for url in done.missing] == ["12.asf", "12_01.amc"]
    assert sum("not on the site" in line for line in told) == 2
    with pytest.raises(InputError, match=r"12\.asf: expected a file of the database"):
        run(server, tmp_path / "other", "12_01")


def test_a_wrong_checksum_stops_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    run(server, tmp_path)
    kept = tmp_path / LOCK_NAME
    server.files["/subjects/11/11_01.amc"] = AMC + b"2\n"
    with pytest.raises(InputError, match=rf"11_01\.amc: expected sha256 {sha256(AMC).hexdigest()}"):
        run(server, tmp_path / "other", checksums=kept)
    assert not list((tmp_path / "other").rglob("*.part*")) and not list((tmp_path / "other").rglob("*.amc"))


def test_a_damaged_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    run(server, tmp_path)
    (tmp_path / "subjects/11/11.asf").write_bytes(b"damaged")
    done = run(server, tmp_path)
    assert (done.downloaded, done.kept) == (1, 1)
    assert_complete(tmp_path)


def test_an_error_page_does_not_pass_for_a_file(server: Server, tmp_path: Path) -> None:
    server.files["/subjects/11/11_01.amc"] = b"<html>:welcome to our proxy</html>"
    with pytest.raises(InputError, match=r"11_01\.amc: expected an AMC motion, got '<html>"):
        run(server, tmp_path)
    assert not (tmp_path / "subjects/11/11_01.amc").exists()


def test_other_layouts_land_in_the_same_folders(server: Server, tmp_path: Path) -> None:
    server.files = {"/m/s11.asf": ASF, "/m/s11t1.amc": AMC}
    site = Site(server.url + "/m/", "s{subject}.asf", "s{subject}t{trial}.amc")
    fetch_cmu(["11"], tmp_path, site=site, patience=PATIENT)
    assert_complete(tmp_path)


@pytest.mark.parametrize(
    ("site", "message"),
    [
        (Site("file:///etc"), "http:// or https://"),
        (Site("ftp://x"), "http:// or https://"),
        (Site(motion="{who}.amc"), "{subject} and {trial}"),
        (Site(skeleton="{subject:q}"), "{subject} and {trial}"),
    ],
)
def test_bad_sites(site: Site, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        fetch_cmu(["11"], tmp_path, site=site, patience=PATIENT)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a complete file.*refused"):
        fetch_cmu(["11"], tmp_path, site=Site("http://127.0.0.1:1"), patience=PATIENT)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a": {"sha256": "xyz"}}', '{"a": {"sha256": "00"}}', '{"a": 1}']
)
def test_broken_lock_files(server: Server, tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK_NAME).write_text(text)
    with pytest.raises(InputError, match=r"cmu\.lock\.json: expected a lock file"):
        run(server, tmp_path)


def test_subjects() -> None:
    assert parse_subjects(["11", "12_03,12_01"]) == {11: [1], 12: [1, 3]}
    assert parse_subjects(["3-5"]) == {3: [1, 2, 3, 4], 5: list(range(1, 21))}, (
        "the database has no subject 4"
    )
    everything = parse_subjects(["all"])
    assert sum(map(len, everything.values())) == 2435 and everything[40] == list(range(2, 13))
    for wrong in ("x", "0", "4", "500", "11_02", "1-", "-3", "9-7", ""):
        with pytest.raises(InputError, match="--subjects"):
            parse_subjects([wrong])


def test_addresses_are_cmus() -> None:
    site = Site()
    assert site.url(1, None) == "http://mocap.cs.cmu.edu/subjects/01/01.asf"
    assert site.url(131, 3) == "http://mocap.cs.cmu.edu/subjects/131/131_03.amc"
