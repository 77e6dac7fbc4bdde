"""JSON objects read strictly: exactly these members, exactly these types, no duplicate, no surprise.

Manifest and metadata are signed or sealed by someone whom we do not trust, and two readers that disagree
on a sloppy document could be shown different sales.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bitcache.errors import InvalidIdentifier, InvalidManifest
from bitcache.identifiers import unb64u

Types = Mapping[str, tuple[type, ...]]


def parse_object(text: str, members: Types, optional: Types = MappingProxyType({})) -> dict[str, Any]:
    """Return the object in ``text``, whose members and their types are exactly these; else InvalidManifest.

    Each of ``optional`` may be missing.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise InvalidManifest("this is not a strict JSON object") from None
    if not isinstance(value, dict) or value.keys() - optional.keys() != members.keys():
        raise InvalidManifest("the members are not those of version 1")
    for name, types in {**members, **optional}.items():
        # type() and not isinstance(): true is an int in Python.
        if name in value and type(value[name]) not in types:
            raise InvalidManifest(f"{name} has the wrong type")
    return value


def number(value: int, low: int, high: int, name: str) -> int:
    """``value`` if it lies within ``low`` to ``high`` inclusive; else InvalidManifest."""
    if not low <= value <= high:
        raise InvalidManifest(f"{name} lies outside {low} to {high}")
    return value


def raw(text: str, length: int, name: str) -> bytes:
    """Return the ``length`` bytes spelled in b64u; else InvalidManifest."""
    try:
        return unb64u(text, length, name)
    except InvalidIdentifier as error:
        raise InvalidManifest(str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members
