"""The account code: spelled so that a person can copy it, and what is derived from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bitcache.account_code import GROUP, LENGTH, index_key_of, new_account_code, parse, spell, token_of
from bitcache.errors import InvalidIdentifier

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "account-codes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", VECTORS["codes"], ids=lambda case: case["entropy"])
def test_vectors(case: dict[str, str]) -> None:
    """Shared with JavaScript (tests/js/account-code.test.js)."""
    entropy = bytes.fromhex(case["entropy"])
    assert spell(entropy) == case["code"]
    assert (token_of(entropy), index_key_of(entropy).hex()) == (case["token"], case["index_key"])


@pytest.mark.parametrize("typed", VECTORS["typed"])
def test_as_people_type_it(typed: dict[str, str]) -> None:
    assert parse(typed["text"]).hex() == typed["entropy"]


@pytest.mark.parametrize("wrong", VECTORS["wrong"])
def test_typing_errors_are_found(wrong: str) -> None:
    with pytest.raises(InvalidIdentifier):
        parse(wrong)


def test_every_changed_letter_is_found() -> None:
    """Or two that changed places: a checksum of 12 bits misses one in four thousand, and none of these."""
    code = VECTORS["codes"][1]["code"]
    for place, letter in enumerate(code):
        if letter != "-":
            other = "2" if letter != "2" else "3"
            with pytest.raises(InvalidIdentifier):
                parse(code[:place] + other + code[place + 1 :])


def test_a_fresh_one() -> None:
    first, second = new_account_code(), new_account_code()
    assert first != second
    assert len(first.replace("-", "")) == LENGTH
    assert [len(group) for group in first.split("-")] == [GROUP] * (LENGTH // GROUP)
    assert spell(parse(first)) == first
