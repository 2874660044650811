"""Drawn labels are those of the drawing functions, whoever draws them, and everything else stays as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from posecorpus.core.ellipses import default_constants
from posecorpus.core.errors import InputError
from posecorpus.core.parts import H36M_25_PARTS, SURREAL_14_PARTS
from posecorpus.core.shards import Corpus
from posecorpus.core.sticks import STICKS
from posecorpus.inspect.verify import verify_corpus
from posecorpus.pipelines.labelling.label_corpus import (
    LabelRequest,
    MapSettings,
    label_corpus,
    label_request,
    map_settings,
)
from posecorpus.pseudogt.ellipse_parts.draw import draw_sample as draw_ellipses
from posecorpus.pseudogt.skeleton_maps.label import draw_sample as draw_maps

MAPS = MapSettings(widths=(3, 6), crops=(1.0, 0.7), size=48)
BOTH = LabelRequest(default_constants("surreal_14"), MAPS)


@pytest.fixture(scope="module")
def labelled(renders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("labelled") / "corpus"
    label_corpus(renders, BOTH, out)
    return out


def test_labels_are_what_the_drawing_functions_give(renders: Path, labelled: Path) -> None:
    constants = default_constants("surreal_14")
    for before, after in zip(Corpus(renders), Corpus(labelled), strict=True):
        parts, _ = draw_ellipses(before.people, before.width, before.height, constants)
        np.testing.assert_array_equal(after.parts, parts)
        np.testing.assert_array_equal(after.instances, before.instances)  # exact ones stay
        assert (parts > 0).any() and set(np.unique(parts)) <= set(SURREAL_14_PARTS.legend)
        assert after.skeleton_maps is not None
        drawn = draw_maps(before, MAPS.widths, MAPS.crops, MAPS.size)
        assert len(drawn) == len(after.skeleton_maps) == 4
        for one, other in zip(drawn, after.skeleton_maps, strict=True):
            assert one.stick_px == other.stick_px
            np.testing.assert_array_equal(one.window, other.window)
            np.testing.assert_array_equal(one.foreground, other.foreground)
            np.testing.assert_array_equal(one.background, other.background)


def test_everything_else_passes_byte_for_byte(renders: Path, labelled: Path) -> None:
    for old, new in zip(Corpus(renders).shards, Corpus(labelled).shards, strict=True):
        before, after = pq.read_table(old), pq.read_table(new)
        for column in set(before.column_names) - {"parts", "skeleton_maps"}:
            assert before[column].equals(after[column]), column


def test_the_manifest_explains_what_was_drawn(labelled: Path) -> None:
    manifest = Corpus(labelled).manifest
    assert manifest.complete and manifest.kind == "label"
    assert manifest.part_taxonomy is not None and manifest.part_taxonomy["name"] == "surreal_14"
    assert manifest.sticks is not None
    assert {*manifest.sticks["legend"].values()} == {"none", *(stick.name for stick in STICKS)}
    assert verify_corpus(labelled).ok


def test_two_workers_and_a_resumed_run_give_the_same_bytes(
    renders: Path, labelled: Path, tmp_path: Path
) -> None:
    out = tmp_path / "corpus"
    label_corpus(renders, BOTH, out, workers=2)
    assert contents(out) == contents(labelled)
    (out / "shard-00001.parquet").unlink()
    label_corpus(renders, BOTH, out)
    assert contents(out) == contents(labelled)
    with pytest.raises(InputError, match="finish that corpus with the options"):
        label_corpus(renders, LabelRequest(maps=MAPS), out)
    assert contents(out) == contents(labelled)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_annotated_photos_get_masks_but_no_maps(annotated: Path, tmp_path: Path) -> None:
    label_corpus(annotated, LabelRequest(default_constants("h36m_25")), tmp_path / "masks")
    for sample in Corpus(tmp_path / "masks"):
        assert sample.parts is not None and sample.instances is not None
        assert set(np.unique(sample.parts)) <= set(H36M_25_PARTS.legend)
        np.testing.assert_array_equal(sample.parts > 0, sample.instances > 0)
    assert verify_corpus(tmp_path / "masks").ok
    with pytest.raises(InputError, match="posecorpus lift"):
        label_corpus(annotated, LabelRequest(maps=MAPS), tmp_path / "maps")
    assert not (tmp_path / "maps").exists()


def test_settings_are_parsed_and_faults_named(tmp_path: Path) -> None:
    assert map_settings("widths=3,5,7") == MapSettings((3, 5, 7), (1.0,), 224)
    assert map_settings("size=56 crops=0.5,1 widths=2.5") == MapSettings((2.5,), (0.5, 1), 56)
    for wrong in ("3,5", "widths=", "widths=3,x", "breadths=3", "size=5.5", "size=1,2", "crops=-1"):
        with pytest.raises(InputError, match="--skeleton-maps"):
            map_settings(wrong)
    with pytest.raises(InputError, match="neither"):
        label_corpus(tmp_path, label_request(False, "h36m_25", None, None), tmp_path / "out")
