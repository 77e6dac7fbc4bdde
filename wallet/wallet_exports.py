"""What wallets export for others to see, taken apart: the descriptors or keys in a pasted text that may receive.

Read are one descriptor or key alone; Bitcoin Core's ``listdescriptors`` and other JSON that holds descriptors or
keys; and texts of several lines (Sparrow, Specter, Nunchuk, BlueWallet, BSMS), whose headings say which is for change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST = 50  #: of one export; a wallet has about ten
#: A descriptor with its checksum if it has one, or a bare extended key with its origin and path.
PAYABLE = re.compile(
    r"[a-z_]+\([^\s\"]*\)(?:#\w*)?"
    r"|(?<![\w(,/\]])(?:\[[^\]\s]*\])?[a-zA-Z]pub[1-9A-HJ-NP-Za-km-z]{70,}(?:/[^\s,\"]+)?"
)
_CHANGE = re.compile(r"\b(internal|change)\b", re.IGNORECASE)
_RECEIVE = re.compile(r"\b(external|receiv\w*|deposit)\b", re.IGNORECASE)
_CHECKSUM = re.compile(r"#\w*$")


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    for_change: bool = False
    active: bool | None = None


def payable_texts(text: str) -> list[str]:
    """Return the parts of ``text`` that may say where to be paid; the text itself where it is no export at all."""
    if PAYABLE.fullmatch(text):
        return [_whole_branch(text)]
    descriptors = list(_of_json(text) if text[:1] in ("{", "[") else _of_lines(text))[:MOST]
    if any(entry.active for entry in descriptors):
        descriptors = [entry for entry in descriptors if entry.active]
    texts = list(dict.fromkeys(_whole_branch(entry.text) for entry in descriptors if not entry.for_change))
    return _without_change_of_pairs(texts) or [text]


def _of_lines(text: str) -> Iterator[_Found]:
    """Yield each descriptor or key; a heading counts for what stands on its line, or else on the next."""
    heading = ""
    for line in filter(None, (line.strip() for line in text.splitlines())):
        payable = PAYABLE.search(line)
        if payable is None:
            heading = line
            continue
        said = line[: payable.start()] or heading
        yield _Found(payable[0], for_change=bool(_CHANGE.search(said)) and not _RECEIVE.search(said))


def _of_json(text: str) -> Iterator[_Found]:
    """Yield its descriptors, else its extended keys."""
    try:
        value = json.loads(text)
        descriptors = list(_descriptors(value))
        yield from descriptors or (_Found(key) for key in _strings(value) if PAYABLE.fullmatch(key))
    except (ValueError, RecursionError):
        yield from _of_lines(text)


def _descriptors(value: Any) -> Iterator[_Found]:
    if isinstance(value, list):
        for item in value:
            yield from _descriptors(item)
    elif isinstance(value, dict):
        for name in ("desc", "descriptor"):
            if isinstance(value.get(name), str):
                yield _Found(value[name].strip(), value.get("internal") is True, value.get("active"))
        for item in value.values():
            yield from _descriptors(item)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _whole_branch(text: str) -> str:
    """BIP129's ``/**`` stands for receiving and change; the checksum, made over the short form, goes with it."""
    return _CHECKSUM.sub("", text.replace("/**", "/<0;1>/*")) if "/**" in text else text


def _without_change_of_pairs(texts: list[str]) -> list[str]:
    """Return of two that differ only in their branch, 0 receives and 1 is change (BIP44)."""
    plain = {_CHECKSUM.sub("", text) for text in texts}

    def is_change(text: str) -> bool:
        bare = _CHECKSUM.sub("", text)
        return "/1/*" in bare and bare.replace("/1/*", "/0/*") in plain - {bare}

    return [text for text in texts if not is_change(text)]
