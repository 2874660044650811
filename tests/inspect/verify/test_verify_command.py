"""``posecorpus verify``: exit status 0 for a clean corpus, 1 with the offending keys listed, 2 for no corpus."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from small_corpus import good_samples, write_corpus

from posecorpus.pipelines import cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["posecorpus", "verify", "--workers", "1", *arguments])
    try:
        status = cli.main()
    except SystemExit as exit_:
        status = exit_.code
    return int(status or 0)


def test_exit_status_and_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = good_samples()
    write_corpus(tmp_path, shards)
    assert run(monkeypatch, str(tmp_path)) == 0
    assert "7 samples, every check holds" in capsys.readouterr().out

    shards[0][1].flow = -shards[0][1].flow
    shards[1][0].people[0].bbox[0] += 1
    write_corpus(tmp_path, shards)
    assert run(monkeypatch, str(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[:2] for line in lines[:2]] == [["a-1", " flow"], ["b-0", " bbox"]]
    assert lines[-1].endswith("2 violations")

    assert run(monkeypatch, str(tmp_path / "nothing")) == 2
    assert "manifest.json" in capsys.readouterr().err
