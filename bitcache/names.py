"""Titles and file names made safe to show and to save.

A title comes from one stranger and is shown to another; a file name becomes a file on the buyer's disk.
"""

from __future__ import annotations

import re
import unicodedata

from bitcache.errors import InvalidName

MAX_TITLE = 200  #: characters (Unicode code points)
MAX_FILE_NAME = 200  #: bytes of UTF-8
MAX_EXTENSION = 20  #: bytes of UTF-8, the dot included; a longer tail is no extension

#: Controls and characters that reorder or hide text: bidirectional marks, embeddings, overrides and isolates,
#: zero-width characters, line and paragraph separators, the byte order mark, and lone surrogates.
_DECEPTIVE = "\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
_FORBIDDEN = re.compile(f"[{_DECEPTIVE}]")
_UNSAFE = re.compile(f'[{_DECEPTIVE}/\\\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)


def title(text: str) -> str:
    """``text`` trimmed, if 1 to 200 visible characters without tricks; else InvalidName."""
    trimmed = text.strip()
    if not trimmed:
        raise InvalidName("the title is empty")
    if len(trimmed) > MAX_TITLE:
        raise InvalidName("the title is over 200 characters")
    if _FORBIDDEN.search(trimmed):
        raise InvalidName("the title holds control or direction-changing characters")
    return trimmed


def safe_file_name(text: str) -> str:
    """A name that any file system takes and that stays in its folder: at most 200 bytes, never empty."""
    raise NotImplementedError
