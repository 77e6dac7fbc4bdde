"""Titles and file names made safe to show and to save; rules and cases in tests/vectors/names.json.

A title comes from one untrusted party and is shown to another; a file name becomes a file on the buyer's disk.
"""

from __future__ import annotations

import re

from bitcache.errors import InvalidName

MAX_TITLE = 200  #: characters (Unicode code points)
MAX_DESCRIPTION = 4_000  #: characters
MAX_FILE_NAME = 200  #: bytes of UTF-8
MAX_EXTENSION = 20  #: bytes of UTF-8, its dot included; a longer tail is no extension

#: Join_Control and Variation_Selector: they shape the letters and emoji around them, and show nothing themselves.
_JOINERS = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
#: Unicode's General_Category Cc, Zl and Zp: characters that break lines or command a terminal.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029"
#: Default_Ignorable_Code_Point without the joiners (bidirectional overrides, fillers, tags), and U+FFF9-FFFC.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
#: General_Category Zs, and letters and symbols that draw nothing.
_BLANKS = " \u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\U00013441\U00013442\U0001d159"

_HIDDEN = re.compile(f"[{_CONTROLS}{_INVISIBLE}]")
_VISIBLE = re.compile(f"[^{_CONTROLS}{_INVISIBLE}{_JOINERS}{_BLANKS}\ud800-\udfff]")
_BLANK_ENDS = re.compile(f"^[{_BLANKS}]+|[{_BLANKS}]+\\Z")
_BLANK_OR_DOT_ENDS = re.compile(f"^[{_BLANKS}.]+|[{_BLANKS}.]+\\Z")
_TO_BLANK = re.compile(f"[{_CONTROLS}\ud800-\udfff_]")
_BLANK_RUN = re.compile(f"[{_BLANKS}]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FORBIDDEN = re.compile(r'[\ud800-\udfff/\\<>:"|?*]')
_RESERVED = re.compile(r"-|(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_SHORT_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")


def title(text: str) -> str:
    """``text`` trimmed: 1 to 200 characters, at least one visible, none hidden or reordering; else InvalidName."""
    trimmed = _BLANK_ENDS.sub("", text)
    if not _VISIBLE.search(trimmed):
        raise InvalidName("a title needs at least one visible character")
    if len(trimmed) > MAX_TITLE:
        raise InvalidName("a title has at most 200 characters")
    if _HIDDEN.search(trimmed) or _SURROGATE.search(trimmed):
        raise InvalidName("a title holds visible characters only")
    return trimmed


def description(text: str) -> str:
    """``text`` of several lines, without blank ones at its ends: up to 4000 characters; else InvalidName.

    Empty where nothing is visible.  Hidden characters are refused as in a title; lines end with a line feed alone.
    """
    lines = text.split("\n")
    shown = [number for number, line in enumerate(lines) if _VISIBLE.search(line)]
    if not shown:
        return ""
    kept = "\n".join(lines[shown[0] : shown[-1] + 1])
    if len(kept) > MAX_DESCRIPTION:
        raise InvalidName(f"a description has at most {MAX_DESCRIPTION} characters")
    if _HIDDEN.search(kept.replace("\n", " ")) or _SURROGATE.search(kept):
        raise InvalidName("a description holds visible characters only")
    return kept


def default_title(file_name: str) -> str:
    """Return a title to begin with, from a file's name: always one that :func:`title` takes."""
    words = _HIDDEN.sub("", _TO_BLANK.sub(" ", file_name))
    spaced = _BLANK_ENDS.sub("", _BLANK_RUN.sub(" ", words))
    stem = _SHORT_EXTENSION.sub("", spaced)
    short = _BLANK_ENDS.sub("", (stem if _VISIBLE.search(stem) else spaced)[:MAX_TITLE])
    return short if _VISIBLE.search(short) else "file"


def printable(text: object) -> str:
    """Return text for one line of a terminal or log.

    A space for each hidden or reordering character, ? for half ones.
    """
    return _SURROGATE.sub("?", _HIDDEN.sub(" ", str(text)))


def safe_file_name(text: str) -> str:
    """Return a name for one file inside its folder, on any system: at most 200 bytes of UTF-8, never empty."""
    plain = _FORBIDDEN.sub("_", _HIDDEN.sub("", text))
    name = _not_reserved(_BLANK_OR_DOT_ENDS.sub("", plain))
    # Cutting can uncover a reserved name ("con", many spaces, more), so look twice.
    safe = _not_reserved(_shortened(name))
    return safe if _VISIBLE.search(safe) else "file"


def _not_reserved(name: str) -> str:
    """Return a name that opens no device on Windows (``con.txt``) and is no option to a program (``-rf``)."""
    return f"_{name}" if _RESERVED.match(name) else name


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_FILE_NAME:
        return name
    stem, dot, tail = name.rpartition(".")
    extension = dot + tail
    if not stem or len(extension.encode()) > MAX_EXTENSION:
        stem, extension = name, ""
    room = MAX_FILE_NAME - len(extension.encode())
    return _BLANK_OR_DOT_ENDS.sub("", stem.encode()[:room].decode(errors="ignore")) + extension
