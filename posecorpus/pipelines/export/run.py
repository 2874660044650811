"""Exporting: the output appears whole under its name, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from posecorpus.core.errors import InputError
from posecorpus.core.manifest import sync_folder
from posecorpus.core.progress import Report, silent
from posecorpus.core.shards import Corpus
from posecorpus.core.skeletons import skeleton as named_skeleton
from posecorpus.pipelines.export.coco import write_coco
from posecorpus.pipelines.export.folder import write_folder
from posecorpus.pipelines.export.webdataset import write_webdataset

Format = Literal["coco", "folder", "webdataset"]
FORMATS: tuple[Format, ...] = get_args(Format)


def export_corpus(
    place: Path | str, out: Path, format: Format, *, skeleton: str = "coco_17", report: Report = silent
) -> Path:
    """Write a finished corpus in a format of other tools.

    The corpus is streamed, so memory does not grow with it. Everything is written into a hidden folder
    beside ``out`` that takes its name at the end: an export that is interrupted leaves no half of one.

    Args:
        place: folder or URL of the corpus.
        out: folder to make; it must not exist, or be empty.
        format: ``coco`` (keypoints, boxes, masks), ``folder`` (plain files for each sample) or
            ``webdataset`` (tar files).
        skeleton: joint set of COCO's keypoints; the other formats keep each person's own.
        report: told how far the export is.

    Returns:
        ``out``.

    Raises:
        InputError: the corpus is unfinished or damaged, a key cannot be a file name, the format or the
            skeleton is unknown, or there is something in ``out``.
    """
    if format not in FORMATS:
        raise InputError("--format", f"one of {', '.join(FORMATS)}", repr(format))
    named_skeleton(skeleton)
    corpus = Corpus(place)
    if not corpus.manifest.complete:
        done = f"{len(corpus.manifest.shards)} of {corpus.manifest.planned_shards} shards"
        raise InputError(place, "a finished corpus", done, "run the command that makes it again: it resumes")
    with appearing_whole(out) as folder:
        steps = {
            "coco": lambda: write_coco(corpus, folder, skeleton),
            "folder": lambda: write_folder(corpus, folder),
            "webdataset": lambda: write_webdataset(corpus, folder),
        }[format]()
        for index, _ in enumerate(steps):
            report("export", index + 1, len(corpus))
    return out


@contextmanager
def appearing_whole(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` that is renamed to it on success and removed on any failure.

    Raises:
        InputError: ``out`` is a file or a folder with something in it.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise InputError(
            out, "a new or empty folder", "something else", "name another folder or remove it first"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    try:
        yield aside
        aside.chmod(0o755)  # mkdtemp's is for its owner alone
        os.replace(aside, out)
        sync_folder(out.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
