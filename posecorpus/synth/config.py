"""What a synthetic corpus is drawn from: presets, the user's YAML over them, and validation.

A configuration is plain data. It is complete (every range is in it), it is echoed into the manifest,
and together with the seed and the inputs it decides every byte of the corpus.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from posecorpus.core.errors import InputError

MAX_CONFIG_BYTES = 1 << 20
MOST_PEOPLE = 8

Number = TypeVar("Number", int, float)


def _ordered(value: tuple[Number, Number]) -> tuple[Number, Number]:
    if value[0] > value[1]:
        raise ValueError("the lower end of a range must not exceed the upper")
    return value


Range = Annotated[tuple[float, float], AfterValidator(_ordered)]
"""Uniform between two values."""


IntRange = Annotated[
    tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], AfterValidator(_ordered)
]
"""Uniform over whole numbers, both ends included."""


def _within(low: float, high: float) -> AfterValidator:
    """That both ends of a range lie between two values."""

    def check(value: tuple[Number, Number]) -> tuple[Number, Number]:
        if value[0] < low or value[1] > high:
            raise ValueError(f"both ends of the range must be from {low:g} to {high:g}")
        return value

    return AfterValidator(check)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Normal(_Section):
    """A normal distribution cut off below ``min``."""

    mean: float
    std: float = Field(ge=0)
    min: float


class ImageConfig(_Section):
    size: tuple[Annotated[int, Field(ge=16, le=8192)], Annotated[int, Field(ge=16, le=8192)]]
    focal_px: float = Field(gt=0)


class CameraConfig(_Section):
    distance_m: Normal
    height_offset_m: Range
    pitch_deg: Range
    roll_deg: Range
    aim_offset_m: Range


class PeopleConfig(_Section):
    """Who is in a picture.

    Attributes:
        count: how many people, the least and the most.
        clothing: ``painted`` on the body or ``worn`` as surfaces of their own.
        textures: folder of pictures in the body's UV layout, used instead of drawn looks.
        detail: ``full`` draws every face of a body however far it is; ``seen`` draws coarser bodies and clothes of
            people whose faces would be smaller than a few pixels.
    """

    count: IntRange = (1, 1)
    clothing: Literal["painted", "worn"] = "painted"
    textures: str | None = None
    detail: Literal["full", "seen"] = "full"
    body: str = "open"
    genders: Annotated[list[Literal["neutral", "female", "male"]], Field(min_length=1)]
    betas_std: float = Field(ge=0)
    betas_limit: float = Field(ge=0)
    yaw_deg: Range


class StatedReading(_Section):
    """What the user knows about motion files that do not tell, or tell wrongly.

    Attributes:
        pattern: of the file's name or its path within the folder or zip, as a shell would match it.
        units: of lengths; None to be told by the skeleton's size.
        fps: frames a second; None to take the file's word.
    """

    pattern: str
    units: Literal["m", "cm", "mm", "inch", "asf"] | None = None
    fps: float | None = Field(default=None, gt=0, le=1000)


class MotionConfig(_Section):
    fps: float = Field(gt=0, le=240)
    weighting: Literal["clip", "frame"]
    mirror_probability: float = Field(ge=0, le=1)
    readings: list[StatedReading] = []


class LightConfig(_Section):
    c0: Range
    c1: Range
    c2_to_c8: Range


class CrowdConfig(_Section):
    """How people stand to each other and to the picture's border.

    Attributes:
        distance_m: from the camera, along the floor. Only those whom the upper or lower border cuts may
            be nearer.
        hidden_share: of the people, how many another one hides a part of.
        cut_share: of the people, how many the picture's border cuts.
        clearance_m: least distance between the skins of two people, room for their clothes.
    """

    distance_m: Range = (2.5, 8.0)
    hidden_share: float = Field(default=1 / 3, ge=0, le=1)
    cut_share: float = Field(default=0.25, ge=0, le=1)
    clearance_m: float = Field(default=0.03, ge=0)


class PropsConfig(_Section):
    """Things that hide people.

    Attributes:
        in_front: how many stand between the camera and people, each hiding from a tenth to seven tenths of somebody.
        beside: how many stand around, wherever there is room.
        held_probability: that a person holds one, if one fits the hand and the pose.
        seat_probability: that a person who sits gets something to sit on.
        meshes: folder of the user's own mesh files (.obj, .ply, .stl, .glb; +Y up), which stand about as often as
            the built-in shapes.
    """

    in_front: Annotated[IntRange, _within(0, 32)] = (0, 0)
    beside: Annotated[IntRange, _within(0, 32)] = (0, 0)
    held_probability: float = Field(default=0.0, ge=0, le=1)
    seat_probability: float = Field(default=0.0, ge=0, le=1)
    meshes: str | None = None

    def any(self) -> bool:
        """Whether there may be things at all."""
        return any((*self.in_front, *self.beside, self.held_probability, self.seat_probability))


class PlaceConfig(_Section):
    """Where people are.

    Attributes:
        kind: ``any``: SURREAL's camera before whatever background. The others have a floor that people
            stand on: ``room`` (procedural), ``photo`` (of a ground plane) and ``calibrated`` (cameras of a real room).
        camera_height_m: above the floor; of rooms, and of photos unless a file of plates tells.
        pitch_deg, roll_deg: positive pitch looks down. Of rooms; a photo's are found in it.
        hfov_deg: horizontal angle of view, of rooms.
        reach_m: people stand between these distances from the camera; less where a photo shows less ground.
        shadow: strength of shadows.
        match_light: whether people are lit from the place's direction and in its colour.
        cameras: file of calibrated cameras; None for four of a made-up studio.
        plates: file that states horizons of photos; None to find them all in the pictures.
    """

    kind: Literal["any", "room", "photo", "calibrated"] = "any"
    camera_height_m: Range = (0.9, 2.2)
    pitch_deg: Range = (-5.0, 15.0)
    roll_deg: Range = (-2.0, 2.0)
    hfov_deg: Range = (40.0, 75.0)
    reach_m: Range = (1.0, 12.0)
    shadow: Range = (0.3, 0.7)
    match_light: bool = True
    cameras: str | None = None
    plates: str | None = None


class ExposureConfig(_Section):
    """What the camera does to the picture; everything off by default.

    Attributes:
        shutter: share of the time to the next frame that the shutter is open: motion blur.
        defocus: of the most blur that people of full height in the picture may suffer, a deviation of 0.7 pixels.
            It shrinks in proportion to the people's height, as noise does: strong degradation hides small people.
        noise: of the most noise, a deviation of 0.003 of linear light in the dark and 0.02 of white.
        gain: of linear light.
        white_balance: how far red and blue part from green, as shares of it; warm or cool.
        gamma: exponent on the encoded picture: above 1 is darker and of more contrast.
        jpeg_quality: of the stored picture.
    """

    shutter: Annotated[Range, _within(0, 1)] = (0.0, 0.0)
    defocus: Annotated[Range, _within(0, 5)] = (0.0, 0.0)
    noise: Annotated[Range, _within(0, 10)] = (0.0, 0.0)
    gain: Annotated[Range, _within(0.05, 20)] = (1.0, 1.0)
    white_balance: Annotated[Range, _within(0, 0.5)] = (0.0, 0.0)
    gamma: Annotated[Range, _within(0.2, 5)] = (1.0, 1.0)
    jpeg_quality: Annotated[IntRange, _within(1, 100)] = (95, 95)


class OutputConfig(_Section):
    samples_per_shard: int = Field(ge=1, le=100_000)


class SynthConfig(_Section):
    """A whole configuration; ``presets/surreal.yaml`` explains every value."""

    image: ImageConfig
    camera: CameraConfig
    people: PeopleConfig
    motion: MotionConfig
    light: LightConfig
    output: OutputConfig
    crowd: CrowdConfig = CrowdConfig()
    props: PropsConfig = PropsConfig()
    place: PlaceConfig = PlaceConfig()
    exposure: ExposureConfig | None = None

    @model_validator(mode="after")
    def _need_a_floor(self) -> Self:
        """SURREAL's way of placing the camera knows one person and no floor."""
        count, props = self.people.count, self.props
        if not 1 <= count[0] <= count[1] <= MOST_PEOPLE:
            raise InputError("people.count", f"numbers from 1 to {MOST_PEOPLE}", list(count))
        if self.place.kind == "any":
            fix = "set place.kind to room, photo or calibrated"
            if count != (1, 1):
                raise InputError(
                    "people.count", "1 without a floor to stand on (place.kind: any)", list(count), fix
                )
            if props.any():
                raise InputError("props", "none without a floor to stand on (place.kind: any)", "some", fix)
        return self

    def resized(self, width: int, height: int) -> SynthConfig:
        """The same field of view across the image's width at another size."""
        scale = width / self.image.size[0]
        data = self.model_dump() | {
            "image": {"size": (width, height), "focal_px": self.image.focal_px * scale}
        }
        return SynthConfig.model_validate(data)


def presets() -> list[str]:
    """Names of the presets that come with the package."""
    folder = files("posecorpus.synth") / "presets"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def load_config(
    preset: str, override: Path | None = None, sections: dict[str, dict[str, Any]] | None = None
) -> SynthConfig:
    """A preset with a user's YAML file and the command line's choices merged over it.

    Args:
        sections: keys to override, by section.

    Raises:
        InputError: no such preset, unreadable YAML, an unknown key, or a value outside its bounds.
    """
    if preset not in presets():
        raise InputError("--preset", f"one of {', '.join(presets())}", repr(preset))
    text = (files("posecorpus.synth") / "presets" / f"{preset}.yaml").read_text()
    data = _parse(text, f"preset {preset}")
    if override is not None:
        data = _merge(data, _parse(_read(override), str(override)))
    if sections:
        data = _merge(data, sections)
    try:
        return SynthConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        where = f"{override}: {key}" if override else key
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            raise InputError(where, "a key of the preset", f"unknown key {first['loc'][-1]!r}") from None
        raise InputError(where, message[0].lower() + message[1:], repr(first["input"])) from None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise InputError(
                path, f"a configuration of at most {MAX_CONFIG_BYTES} bytes", path.stat().st_size
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, "a readable YAML file", error) from None


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        # Aliases can make a few lines unfold into gigabytes; configurations have no use for them.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise InputError(where, "YAML without aliases", "an alias (*name)")
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}", "YAML", getattr(error, "problem", error)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InputError(where, "a mapping of keys to values", type(data).__name__)
    return data


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
