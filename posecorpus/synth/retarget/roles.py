"""Which joint of a rig plays which part: by its name, then by its place in the tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

from posecorpus.core.errors import InputError
from posecorpus.synth.motion import SourceClip

_STEMS: dict[str, tuple[str, ...]] = {
    "hip": ("femur", "thigh", "upleg", "upperleg", "hip"),
    "knee": ("tibia", "shin", "calf", "lowerleg", "lowleg", "knee", "leg"),
    "ankle": ("ankle", "foot"),
    "toes": ("toebase", "toes", "toe", "toe0", "ball", "toe21", "footend", "foot"),
    "collar": ("clavicle", "collar", "collarbone", "shoulder"),
    "shoulder": ("humerus", "shldr", "upperarm", "uparm", "arm", "shoulder"),
    "elbow": ("radius", "forearm", "lowerarm", "lowarm", "elbow"),
    "wrist": ("hand", "wrist"),
}
"""Names of each role without their side, best first."""
_CHAINS = (("hip", "knee", "ankle", "toes"), ("collar", "shoulder", "elbow", "wrist"))
_OPTIONAL = {"toes", "collar"}
_PREFIX = re.compile(r"^(?:.*[:|]|(?:cc_base|mixamorig\d*|bip0*1|joint|def|rl)[_ ])", re.IGNORECASE)
_SIDES = (
    (re.compile(r"^(left|right)[_ .-]?(?=[a-z])"), 1),
    (re.compile(r"[_ .-]?(left|right)$"), 1),
    (re.compile(r"^(l|r)[_ .-](?=[a-z])"), 1),
    (re.compile(r"[_ .-](l|r)$"), 1),
    (re.compile(r"[_ .-](l|r)(?=[_ .-]end$)"), 1),
    (re.compile(r"^(l|r)(?=[a-z])"), 1),
)


@dataclass(frozen=True)
class Roles:
    """Joint indices of a clip by role.

    Attributes:
        limbs: ``l_hip``, ``r_elbow``...; ``l_toes`` and ``l_collar`` may be missing.
        trunk: joints from the pelvis up to the one that carries the arms, both included.
        neck: joints between that one and the head, perhaps none.
        head: index, or the top of the trunk where the rig has no head.
    """

    limbs: dict[str, int]
    trunk: tuple[int, ...]
    neck: tuple[int, ...]
    head: int


def split_side(joint: str) -> tuple[str, str]:
    """Side (``l``, ``r`` or empty) and bare name, lower case and letters and digits only, of a joint."""
    name = _PREFIX.sub("", joint.strip()).lower()
    for pattern, group in _SIDES:
        if found := pattern.search(name):
            rest = name[: found.start()] + name[found.end() :]
            return found.group(group)[0], re.sub(r"[^a-z0-9]", "", rest)
    return "", re.sub(r"[^a-z0-9]", "", name)


def find_roles(clip: SourceClip) -> Roles:
    """Roles of a clip's joints.

    Raises:
        InputError: a hip, knee, ankle, shoulder, elbow or wrist cannot be found; names what is missing.
    """
    named = [split_side(joint) for joint in clip.joints]
    limbs: dict[str, int] = {}
    missing = []
    for side in "lr":
        bare = {j: stem for j, (s, stem) in enumerate(named) if s == side}
        for chain in _CHAINS:
            found = _chain(clip, bare, chain)
            limbs |= {f"{side}_{role}": j for role, j in found.items()}
            missing += [f"{side}_{role}" for role in chain if role not in found and role not in _OPTIONAL]
    if missing:
        raise InputError(
            clip.source, "a rig with named hips, knees, ankles, shoulders, elbows and wrists",
            f"none for {', '.join(missing)} among {', '.join(clip.joints[:12])}...",
        )  # fmt: skip
    return _middle(clip, named, limbs)


def _chain(clip: SourceClip, bare: dict[int, str], chain: tuple[str, ...]) -> dict[str, int]:
    """Roles of one limb: each the best-named joint below the one before it."""
    found: dict[str, int] = {}
    above = -1
    for position, role in enumerate(chain):
        options = [
            (rank, j)
            for rank, stem in enumerate(_STEMS[role])
            for j, name in bare.items()
            if name == stem and (above < 0 or _descends(clip, j, above))
        ]
        if role == "collar":
            options = [o for o in options if _has_arm(clip, bare, o[1])]
        if role == "wrist":
            options = _prefer_hands_with_fingers(clip, options)
        if role == "hip" and position == 0:
            options = [o for o in options if _below(clip, bare, o[1], "knee")]
        if not options and role == "toes" and above >= 0:
            options = [(0, j) for j in range(above + 1, len(clip.joints)) if clip.parents[j] == above][:1]
        if options:
            found[role] = above = min(options)[1]
    return found


def _descends(clip: SourceClip, joint: int, ancestor: int) -> bool:
    while joint > ancestor:
        joint = clip.parents[joint]
    return joint == ancestor and joint >= 0


def _below(clip: SourceClip, bare: dict[int, str], joint: int, role: str) -> bool:
    return any(stem in _STEMS[role] and j != joint and _descends(clip, j, joint) for j, stem in bare.items())


def _has_arm(clip: SourceClip, bare: dict[int, str], joint: int) -> bool:
    """Whether an upper arm hangs on it: ``LeftShoulder`` is a collar above ``LeftArm``, else the shoulder itself."""
    return _below(clip, bare, joint, "shoulder") and _below(clip, bare, joint, "elbow")


def _prefer_hands_with_fingers(clip: SourceClip, options: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A ``hand`` without anything below it is the tip of a ``wrist``."""
    carrying = [o for o in options if o[1] in clip.parents]
    return carrying or options


def _path(clip: SourceClip, joint: int) -> list[int]:
    """From the root to a joint, both included."""
    path = [joint]
    while clip.parents[path[-1]] >= 0:
        path.append(clip.parents[path[-1]])
    return path[::-1]


def _meeting(clip: SourceClip, *joints: int) -> int:
    """The lowest joint that carries all of them and is none of them."""
    paths = [_path(clip, j)[:-1] for j in joints]
    common = [step[0] for step in zip(*paths, strict=False) if len(set(step)) == 1]
    if not common:
        raise InputError(clip.source, "a rig whose limbs hang on one root", clip.joints[joints[0]])
    return int(common[-1])


def _middle(clip: SourceClip, named: list[tuple[str, str]], limbs: dict[str, int]) -> Roles:
    pelvis = _meeting(clip, limbs["l_hip"], limbs["r_hip"])
    arms = [limbs.get(f"{side}_collar", limbs[f"{side}_shoulder"]) for side in "lr"]
    chest = _meeting(clip, *arms)
    path = _path(clip, chest)
    fork = next((j for j in reversed(path) if j in _path(clip, pelvis)), path[0])
    trunk = [pelvis] + [j for j in path if j > fork and j != pelvis]
    heads = [j for j, (side, stem) in enumerate(named) if side == "" and stem == "head"]
    head = heads[0] if heads else chest
    above = _path(clip, head)
    neck = [j for j in above[:-1] if j not in path] if heads else []
    return Roles(limbs, tuple(trunk), tuple(neck), head)
