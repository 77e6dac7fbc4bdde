"""Titles and file names made safe to show and to save; rules and cases in tests/vectors/names.json.

A title comes from one stranger and is shown to another; a file name becomes a file on the buyer's disk.
"""

from __future__ import annotations

import re

from bitcache.errors import InvalidName

MAX_TITLE = 200  #: characters (Unicode code points)
MAX_FILE_NAME = 200  #: bytes of UTF-8
MAX_EXTENSION = 20  #: bytes of UTF-8, its dot included; a longer tail is no extension

#: C0 and C1 controls, and characters that are invisible, break lines or reorder text (bidirectional overrides).
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FORBIDDEN = re.compile(r'[\ud800-\udfff/\\<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_BLANKS = " \u00a0\u3000"


def title(text: str) -> str:
    """``text`` trimmed: 1 to 200 characters, none hidden or reordering; else InvalidName."""
    trimmed = text.strip(_BLANKS)
    if not trimmed:
        raise InvalidName("a title needs at least one visible character")
    if len(trimmed) > MAX_TITLE:
        raise InvalidName("a title has at most 200 characters")
    if _HIDDEN.search(trimmed) or _SURROGATE.search(trimmed):
        raise InvalidName("a title holds visible characters only")
    return trimmed


def printable(text: object) -> str:
    """Any text on one line of a terminal or a log: a space for each hidden or reordering character, ? for half ones."""
    return _SURROGATE.sub("?", _HIDDEN.sub(" ", str(text)))


def safe_file_name(text: str) -> str:
    """A name for one file inside its folder, on any system: at most 200 bytes of UTF-8, never empty."""
    visible = _FORBIDDEN.sub("_", _HIDDEN.sub("", text))
    name = _not_reserved(visible.strip(_BLANKS + "."))
    # Cutting can uncover a reserved name ("con", many spaces, more), so look twice.
    return _not_reserved(_shortened(name)) or "file"


def _not_reserved(name: str) -> str:
    """Windows opens a device for ``con.txt`` and its like, whatever follows the dot."""
    return f"_{name}" if _RESERVED.match(name) else name


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_FILE_NAME:
        return name
    stem, dot, tail = name.rpartition(".")
    extension = dot + tail
    if not stem or len(extension.encode()) > MAX_EXTENSION:
        stem, extension = name, ""
    room = MAX_FILE_NAME - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore").strip(_BLANKS + ".") + extension
