"""Links: what clings to them falls off, and nothing about them leaks; the texts are in tests/vectors/links.json."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import InvalidLink
from bitcache.identifiers import b64u, new_file_id, new_secret
from bitcache.sealing.file_link import Link, parse_link
from bitcache.sealing.key_derivation import new_link_share

BUYERS = Link("https://gateway.example", new_file_id(), new_link_share())
RECOVERY = Link("http://[::1]:8080", new_file_id(), new_link_share(), new_secret())


VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "links.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", VECTORS["good"], ids=range(len(VECTORS["good"])))
def test_a_link_is_found_whatever_clings_to_it(entry: dict[str, Any]) -> None:
    """JavaScript's client and the widget read the same texts alike."""
    link = parse_link(entry["text"])
    assert (link.gateway, link.file_id, b64u(link.link_share), link.claim) == (
        entry["gateway"],
        entry["file_id"],
        entry["link_share"],
        entry["claim"],
    )
    assert parse_link(link.text()) == link


@pytest.mark.parametrize("text", VECTORS["bad"], ids=range(len(VECTORS["bad"])))
def test_a_damaged_link_is_refused(text: str) -> None:
    """Rather than a part of it taken for the whole."""
    with pytest.raises(InvalidLink):
        parse_link(text)


@pytest.mark.parametrize("link", [BUYERS, RECOVERY])
def test_round_trip(link: Link) -> None:
    """A link written down is read back, also after a scanner spoiled its #."""
    assert parse_link(link.text()) == link
    assert parse_link(link.text().replace("#", "%23")) == link


def test_repr_hides_the_secrets() -> None:
    """Printing or logging a link shows where it leads, not what it opens."""
    for shown in (repr(RECOVERY), str(RECOVERY), f"{RECOVERY}"):
        assert RECOVERY.file_id in shown
        assert str(RECOVERY.claim) not in shown
        assert b64u(RECOVERY.link_share) not in shown
        assert repr(RECOVERY.link_share) not in shown


@pytest.mark.parametrize("spoil", ["{}x", "ftp{}", "x{}", "{}_", "{}.x"])
def test_errors_do_not_quote(spoil: str) -> None:
    """Neither the error nor anything it was raised from repeats a part of the link."""
    text = RECOVERY.text()
    with pytest.raises(InvalidLink) as caught:
        parse_link(spoil.format(text, text))
    told = "".join(traceback.format_exception_only(caught.value)) + caught.value.advice
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert b64u(RECOVERY.link_share) not in told
    assert str(RECOVERY.claim) not in told


@given(st.text() | st.text().map(lambda tail: BUYERS.text() + tail) | st.text().map("https://".__add__))
def test_anything_else_is_refused_cleanly(text: str) -> None:
    """Whatever is pasted, the answer is the link in it or InvalidLink."""
    try:
        link = parse_link(text)
    except InvalidLink:
        return
    assert link == BUYERS
