"""Strict JSON: both languages read the same documents and refuse the same ones (tests/vectors/strict.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitcache.errors import InvalidManifest, InvalidName
from bitcache.sealing.metadata import parse_metadata

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "strict.json").read_text())


@pytest.mark.parametrize("case", VECTORS["accepted"], ids=lambda case: case["why"])
def test_read(case: dict[str, str]) -> None:
    """Whatever its spelling, the document says what it says."""
    assert parse_metadata(case["text"]).size in (12, 2**52)


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["why"])
def test_refused(case: dict[str, str]) -> None:
    """Two readers that disagree could be shown different sales."""
    with pytest.raises((InvalidManifest, InvalidName)):
        parse_metadata(case["text"])
