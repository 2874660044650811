"""The table, the files of constants, and what is refused of them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecorpus.core.ellipse_table import POINTS, REFERENCES, TABLES
from posecorpus.core.ellipses import (
    BOUNDS,
    MEASURES,
    constants_from_json,
    default_constants,
    load_constants,
    naive_constants,
    plan_for,
)
from posecorpus.core.errors import InputError
from posecorpus.core.parts import taxonomy
from posecorpus.core.skeletons import SKELETONS, opposite

LANDMARKS = {landmark for skeleton in SKELETONS.values() for landmark in skeleton.landmarks}


def test_points_are_landmarks_that_some_skeleton_has():
    for name, alternatives in POINTS.items():
        assert all(1 <= len(pair) <= 2 for pair in alternatives), name
        assert {landmark for pair in alternatives for landmark in pair} <= LANDMARKS, name


@pytest.mark.parametrize("name", TABLES)
def test_the_table_covers_its_taxonomy_and_both_sides_alike(name):
    shapes = TABLES[name]
    legend = taxonomy(name).legend
    assert {shape.part for shape in shapes} == set(legend.values()) - {"background"}
    for shape in shapes:
        assert all({form.start, form.end or form.start} <= set(POINTS) for form in shape.forms)
    mirrored = {
        (opposite(s.part), tuple((f.key, opposite(f.start), opposite(f.end or "")) for f in s.forms))
        for s in shapes
    }
    plain = {(s.part, tuple((f.key, f.start, f.end or "") for f in s.forms)) for s in shapes}
    # A segment between the two sides is its own mirror image.
    across = {("l_shoulder", "r_shoulder"), ("l_hip", "r_hip")}
    unmatched = {forms for part, forms in mirrored - {(p, f) for p, f in plain}}
    assert {(end, start) for forms in unmatched for _, start, end in forms} <= across


def test_references_have_both_sides_in_equal_proportion():
    for name, (a, b, proportion) in REFERENCES.items():
        assert {a, b} <= set(POINTS)
        assert REFERENCES[opposite(name)][2] == proportion


@pytest.mark.parametrize("name", TABLES)
def test_shipped_constants_are_fitted_and_within_bounds(name):
    constants = default_constants(name)
    assert constants.taxonomy == name
    assert re.search(r"posecorpus fit-ellipses .*--taxonomy " + name, constants.made_with)
    naive = naive_constants(name)
    moved = [key for key in naive.shapes if constants.shapes[key] != naive.shapes[key]]
    assert len(moved) > 0.9 * len(naive.shapes)
    for shape in TABLES[name]:
        for form in shape.forms:
            if form.end == opposite(form.start):  # or left and right would not be mirror images
                assert constants.shapes[form.key].centre == 0.5


@given(data=st.data())
def test_json_round_trip(data, tmp_path_factory):
    constants = naive_constants(data.draw(st.sampled_from(sorted(TABLES))))
    for key in data.draw(st.lists(st.sampled_from(sorted(constants.shapes)), max_size=3)):
        values = {m: data.draw(st.floats(*BOUNDS[m])) for m in MEASURES}
        constants = constants.with_shape(key, **values)
    path = tmp_path_factory.mktemp("constants") / "c.json"
    path.write_text(json.dumps(constants.as_json()))
    assert load_constants(path) == constants


def broken(change):
    """The JSON of good constants, changed."""
    raw = json.loads(json.dumps(naive_constants("h36m_25").as_json()))
    change(raw)
    return raw


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda raw: raw.pop("shapes"), "taxonomy, proportions, shapes"),
        (lambda raw: raw.update(more=1), "more"),
        (lambda raw: raw.update(taxonomy="smpl_24"), "h36m_25, surreal_14"),
        (lambda raw: raw.update(taxonomy=None), "h36m_25, surreal_14"),
        (lambda raw: raw.update(shapes=[]), "shapes"),
        (lambda raw: raw["shapes"].pop("knee"), "knee"),
        (lambda raw: raw["shapes"]["knee"].pop("cap"), "shapes.knee"),
        (lambda raw: raw["shapes"]["knee"].update(cap="1"), "shapes.knee.cap"),
        (lambda raw: raw["shapes"]["knee"].update(cap=True), "shapes.knee.cap"),
        (lambda raw: raw["shapes"]["knee"].update(cap=float("nan")), "shapes.knee.cap"),
        (lambda raw: raw["shapes"]["knee"].update(radius=1e9), "shapes.knee.radius"),
        (lambda raw: raw["proportions"].update(torso=0), "proportions.torso"),
        (lambda raw: raw.update(proportions=3), "proportions"),
    ],
)
def test_broken_constants_are_refused(change, told):
    with pytest.raises(InputError, match=re.escape(told)):
        constants_from_json(broken(change), "here")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1", " " * (2 << 20)])
def test_broken_files_are_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(str(path))):
        load_constants(path)
    with pytest.raises(InputError, match="No such file"):
        load_constants(tmp_path / "none.json")


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="h36m_25"):
        default_constants("smpl_24")
    with pytest.raises(InputError, match="lsp_14"):
        plan_for(naive_constants("h36m_25"), "lsp_15")
