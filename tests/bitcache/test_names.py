"""Titles and file names, by the cases that the JavaScript tests read too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import InvalidName
from bitcache.names import safe_file_name, title

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "names.json").read_text(encoding="utf-8"))
ANY_TEXT = st.text(st.characters(codec=None)) | st.text("con.lpt1 \u202e/\\ é", max_size=300)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=range(len(VECTORS["cases"])))
def test_safe_file_name(case: dict[str, str]) -> None:
    """A stranger's file name becomes the recorded safe one."""
    assert safe_file_name(case["input"]) == case["safe"]


@pytest.mark.parametrize("text", VECTORS["title_ok"], ids=range(len(VECTORS["title_ok"])))
def test_title_ok(text: str) -> None:
    """Titles in any script are taken as they are."""
    assert title(text) == text.strip(" \u00a0\u3000")


@pytest.mark.parametrize("text", VECTORS["title_bad"], ids=range(len(VECTORS["title_bad"])))
def test_title_bad(text: str) -> None:
    """Empty, long, invisible and reordering titles are refused."""
    with pytest.raises(InvalidName):
        title(text)


@given(ANY_TEXT)
def test_always_safe(text: str) -> None:
    """Whatever comes in, a short, plain name comes out, and a safe name stays as it is."""
    safe = safe_file_name(text)
    assert 1 <= len(safe.encode()) <= 200
    assert not set(safe) & set('/\\<>:"|?*\x00\n\u202e')
    assert safe[0] not in ". "
    assert safe[-1] not in ". "
    assert safe_file_name(safe) == safe


@pytest.mark.parametrize(
    "text", ["con" + " " * 300 + "x.txt", "aux" + "." * 300 + "x", "nul" + "\u3000" * 99 + "x.txt"]
)
def test_cutting_uncovers_no_device(text: str) -> None:
    """A reserved name that appears only once the rest was cut off is not used either."""
    assert safe_file_name(text).startswith("_")
