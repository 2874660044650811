"""Puts a page together: one file, no network, no server.

The page is closed to the outside: its content security policy allows the one script and the one style
sheet inside it, by their hashes, and pictures that are inside it. What is shown is hostile input; its text
reaches the page only as JSON data that the script turns into text nodes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

_SHARED_SCRIPTS = ("dom.js", "scene.js", "charts.js", "shell.js")


@dataclass(frozen=True)
class PageParts:
    """Files of one kind of page.

    Attributes:
        package: whose folder ``assets`` holds them.
        body: HTML of the sections below the summary; one with ``data-nav`` is linked to in the page's head.
        style: style sheet, read after the shared one.
        scripts: in this order, after the shared ones; the last calls ``startShell(repaint)`` and, at its
            end, sets ``document.documentElement.dataset.ready``. All are one module.
    """

    package: str
    body: str
    style: str
    scripts: tuple[str, ...]


def render_page(data: Mapping[str, Any], parts: PageParts) -> str:
    """The page for the given data, which its scripts know as ``DATA``.

    Args:
        data: JSON without NaN. The summary shows ``name``, ``story``, ``figures`` (value, label) and, where it
            is there, ``coverage`` (label, how many have it, of how many).
        parts: what the page is made of.
    """
    style = "\n".join([_asset(__package__, "shell.css"), _asset(parts.package, parts.style)])
    shared = [_asset(__package__, name) for name in _SHARED_SCRIPTS]
    script = "\n".join([*shared, *(_asset(parts.package, name) for name in parts.scripts)])
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    slots = {
        "policy": policy,
        "title": html.escape(f"{data['name']} · posecorpus"),
        "style": style,
        "body": _asset(parts.package, parts.body),
        "data": _json(data),
        "script": script,
    }
    # Split first, fill after: text that looks like a slot is never filled in turn.
    pieces = _asset(__package__, "shell.html").split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        slot, _, rest = piece.partition("}}")
        filled += [slots[slot], rest]
    return "".join(filled)


def _asset(package: str, name: str) -> str:
    return (files(package) / "assets" / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
