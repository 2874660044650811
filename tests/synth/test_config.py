"""Configurations: the preset is SURREAL's, overrides merge, and every mistake names its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from posecorpus.core.errors import InputError
from posecorpus.synth.config import SynthConfig, load_config


def test_the_surreal_preset_has_surreals_constants() -> None:
    config = load_config("surreal")
    assert config.image.size == (320, 240)
    assert config.image.focal_px == 600
    assert (config.camera.distance_m.mean, config.camera.distance_m.std) == (8, 1)
    assert config.people.yaw_deg == (0, 360)
    assert (config.light.c0, config.light.c1, config.light.c2_to_c8) == ((0.5, 1.4), (-0.7, 0.0), (-0.7, 0.7))
    assert config.people.betas_limit == 2
    assert config.motion.fps == 30


def test_a_users_file_changes_only_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("camera:\n  distance_m: {mean: 4}\npeople: {genders: [male]}\n")
    config, base = load_config("surreal", file), load_config("surreal")
    assert config.camera.distance_m.mean == 4
    assert config.people.genders == ["male"]
    changed = config.model_dump()
    changed["camera"]["distance_m"]["mean"] = 8.0
    changed["people"]["genders"] = base.people.genders
    assert SynthConfig.model_validate(changed) == base


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("people: {genders: [male]}\n")
    assert load_config("surreal", file, {"people": {"genders": ["female"]}}).people.genders == ["female"]


def test_resizing_keeps_the_field_of_view() -> None:
    config = load_config("surreal").resized(640, 480)
    assert config.image.size == (640, 480)
    assert config.image.focal_px / 640 == 600 / 320


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image: {size: [0, 240]}", "image.size.0: expected input should be greater than or equal to 16"),
        (
            "camera: {distanc_m: 3}",
            "camera.distanc_m: expected a key of the preset, got unknown key 'distanc_m'",
        ),
        ("light: {c0: [2, 1]}", "light.c0: expected the lower end of a range must not exceed the upper"),
        ("people: {genders: []}", "people.genders"),
        ("people: {betas_std: .inf}", "people.betas_std"),
        ("image: [1", ":1: expected YAML"),
        ("- 1", "expected a mapping"),
        ("a: &x [1]\nb: [*x, *x]", "without aliases"),
    ],
)
def test_mistakes_name_the_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config("surreal", file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_unreadable_files_and_presets(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of hard, lcr-room"):
        load_config("surrreal")
    with pytest.raises(InputError, match="readable YAML"):
        load_config("surreal", tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="readable YAML"):
        load_config("surreal", tmp_path / "binary")
    (tmp_path / "long").write_bytes(b"#" * (2 << 20))
    with pytest.raises(InputError, match="at most"):
        load_config("surreal", tmp_path / "long")
