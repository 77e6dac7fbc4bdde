"""Recognises private keys and seed words in what a seller typed, so that they are refused at the door.

Nothing here ever quotes the text.  It errs on the side of refusing: a mistyped key is a key too.  The page refuses
the same before anything is sent (gateway/web/static/seller/detect-secrets.js); tests/vectors/secrets.json has
cases of both.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from bitcache.errors import PrivateKeyRefused

BASE58 = "1-9A-HJ-NP-Za-km-z"
MIN_SEED_WORDS = 12
#: Letters of a seed word in Latin script: 3 to 8 in every BIP39 and SLIP39 list, up to 12 in Electrum's old one.
SEED_WORD_LETTERS = range(3, 13)


def _alone(pattern: str) -> re.Pattern[str]:
    """Return the pattern, not as a part of a longer base58 word (a public key may hold any letters)."""
    return re.compile(f"(?<![{BASE58}])(?:{pattern})(?![{BASE58}])")


PRIVATE = {
    "extended_private_key": re.compile(f"(?<![{BASE58}])[a-zA-Z]prv"),
    "private_key": _alone(f"[59][{BASE58}]{{50}}|[KLc][{BASE58}]{{51}}"),
    "encrypted_private_key": _alone(f"6P[{BASE58}]{{56}}"),
    "codex32": re.compile(r"\bms1[02-9ac-hj-np-z]{40,}", re.IGNORECASE),
}
#: Hexadecimal of 32 or 64 bytes, standing alone, can only be meant as a private key or a seed.
RAW_KEY = re.compile(r"(?:0x)?(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{128})")
SENTENCES = {
    "extended_private_key": "this holds an extended private key (xprv, zprv, tprv, …)",
    "private_key": "this holds a private key (WIF)",
    "encrypted_private_key": "this holds an encrypted private key (BIP38)",
    "codex32": "this holds a share of seed words (codex32)",
    "raw_key": "this looks like a raw private key",
    "seed_words": "this looks like seed words",
}
_APART = re.compile(r"[\s,;:=\"'`]+")
_WORDS_APART = re.compile(r"[^\w]+|_+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


def refuse_secrets(text: str) -> None:
    """Raise PrivateKeyRefused if the text holds, or seems to hold, a secret."""
    if kind := kind_of_secret(text):
        raise PrivateKeyRefused(SENTENCES[kind])


def kind_of_secret(text: str) -> str | None:
    """Return what kind of secret the text holds, or seems to hold: a key of ``SENTENCES``; None for public text."""
    for kind, pattern in PRIVATE.items():
        if pattern.search(text):
            return kind
    if any(RAW_KEY.fullmatch(token) for token in _APART.split(text)):
        return "raw_key"
    if any(_longest_run(part) >= MIN_SEED_WORDS for part in _parts(text)):
        return "seed_words"
    return None


def _parts(text: str) -> Iterator[str]:
    """Return the text, or, of JSON, its values: the names of members are nobody's seed."""
    try:
        value = json.loads(text) if text.lstrip()[:1] in ("{", "[") else text
    except (ValueError, RecursionError):
        value = text
    return _strings(value)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _strings(member)
    elif isinstance(value, list):
        yield " ".join(item for item in value if isinstance(item, str))
        for item in value:
            yield from _strings(item)


def _longest_run(text: str) -> int:
    """Return the longest run of words that could belong to a seed, however they are separated and numbered."""
    longest = run = 0
    spaced = _HAN.sub(r" \g<0> ", unicodedata.normalize("NFKC", text))
    for word in filter(None, _WORDS_APART.split(spaced)):
        if word.isdecimal() and len(word) <= 2:
            continue  # a number before its word
        run = run + 1 if _may_be_seed_word(word) else 0
        longest = max(longest, run)
    return longest


def _may_be_seed_word(word: str) -> bool:
    return word.isalpha() and (len(word) in SEED_WORD_LETTERS or not all(letter < "\u0250" for letter in word))
