"""Titles and file names, by the cases that the JavaScript tests read too."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import InvalidName
from bitcache.safe_names import default_title, description, safe_file_name, title

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "names.json").read_text(encoding="utf-8"))
ANY_TEXT = st.text(st.characters(codec=None)) | st.text("con.lpt1 \u202e/\\ é", max_size=300)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=range(len(VECTORS["cases"])))
def test_safe_file_name(case: dict[str, str]) -> None:
    """A stranger's file name becomes the recorded safe one."""
    assert safe_file_name(case["input"]) == case["safe"]


@pytest.mark.parametrize("text", VECTORS["title_ok"], ids=range(len(VECTORS["title_ok"])))
def test_title_ok(text: str) -> None:
    """Titles in any script are taken as they are."""
    assert title(f" {text}\u3000") == text


@pytest.mark.parametrize("text", VECTORS["title_bad"], ids=range(len(VECTORS["title_bad"])))
def test_title_bad(text: str) -> None:
    """Empty, long, invisible and reordering titles are refused."""
    with pytest.raises(InvalidName):
        title(text)


@pytest.mark.parametrize("case", VECTORS["default_titles"], ids=range(len(VECTORS["default_titles"])))
def test_default_title(case: dict[str, str]) -> None:
    """A file's name becomes the recorded title."""
    assert default_title(case["input"]) == case["title"]


@given(ANY_TEXT)
def test_a_default_title_is_always_taken(text: str) -> None:
    """Nobody is told of a bad title who typed none."""
    assert title(default_title(text)) == default_title(text)


def test_every_code_point() -> None:
    """Hidden ones are refused and removed; joiners and blanks are no visible text; all others are titles."""
    expected = {"hidden": (False, False), "joiner": (False, True), "blank": (False, True), None: (True, True)}
    sets = {
        code: name
        for name, ranges in VECTORS["sets"].items()
        for first, last in ranges
        for code in range(int(first, 16), int(last, 16) + 1)
    }
    for code in (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1100)):
        assert (_taken(chr(code)), _taken(f"a{chr(code)}b")) == expected[sets.get(code)], f"U+{code:04X}"
        assert (safe_file_name(f"a{chr(code)}b") == "ab") == (sets.get(code) == "hidden"), f"U+{code:04X}"


def test_the_sets_are_those_of_the_unicode_database() -> None:
    """Controls, separators and format characters are hidden or joiners, whatever Python's version knows of Unicode."""
    listed = {
        name: {code for first, last in ranges for code in range(int(first, 16), int(last, 16) + 1)}
        for name, ranges in VECTORS["sets"].items()
    }
    by_category = {code: unicodedata.category(chr(code)) for code in range(0x110000)}
    for code, category in by_category.items():
        assert category not in ("Cc", "Zl", "Zp") or code in listed["hidden"]
        assert (category == "Zs") <= (code in listed["blank"])
    shown = (
        set(range(0x600, 0x606)) | {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD} | set(range(0x13430, 0x13441))
    )
    formats = {code for code, category in by_category.items() if category == "Cf"}
    assert formats - shown <= listed["hidden"] | listed["joiner"]


def _taken(text: str) -> bool:
    try:
        return bool(title(text))
    except InvalidName:
        return False


@given(ANY_TEXT)
def test_always_safe(text: str) -> None:
    """Whatever comes in, a short, plain name comes out, and a safe name stays as it is."""
    safe = safe_file_name(text)
    assert 1 <= len(safe.encode()) <= 200
    assert not set(safe) & set('/\\<>:"|?*\x00\n\u202e')
    assert safe[0] not in ".- "
    assert safe[-1] not in ". "
    assert safe_file_name(safe) == safe


@pytest.mark.parametrize(
    "text", ["con" + " " * 300 + "x.txt", "aux" + "." * 300 + "x", "nul" + "\u3000" * 99 + "x.txt"]
)
def test_cutting_uncovers_no_device(text: str) -> None:
    """A reserved name that appears only once the rest was cut off is not used either."""
    assert safe_file_name(text).startswith("_")


@pytest.mark.parametrize(("text", "clean"), VECTORS["descriptions"], ids=lambda value: repr(value)[:20])
def test_descriptions(text: str, clean: str | None) -> None:
    """The same in JavaScript."""
    if clean is None:
        with pytest.raises(InvalidName):
            description(text)
    else:
        assert description(text) == clean


@pytest.mark.parametrize("sign", ["é", "\U0001f600"])
def test_the_longest_description(sign: str) -> None:
    assert description(sign * 4_000) == sign * 4_000
    with pytest.raises(InvalidName):
        description(sign * 4_001)
