"""Recognises private keys and seed words in what a seller typed, so that they are refused at the door.

Nothing here ever quotes the text.  It errs on the side of refusing: a mistyped key is a key too.
"""

from __future__ import annotations

import re

from bitcache.errors import PrivateKeyRefused

BASE58 = "1-9A-HJ-NP-Za-km-z"
MIN_SEED_WORDS = 12
LONGEST_SEED_WORD = 8


def _alone(pattern: str) -> re.Pattern[str]:
    """The pattern, not as a part of a longer base58 word (a public key may hold any letters)."""
    return re.compile(f"(?<![{BASE58}])(?:{pattern})(?![{BASE58}])")


PRIVATE = {
    "an extended private key (xprv, zprv, tprv, …)": re.compile(f"(?<![{BASE58}])[a-zA-Z]prv"),
    "a private key (WIF)": _alone(f"[59][{BASE58}]{{50}}|[KLc][{BASE58}]{{51}}"),
    "an encrypted private key (BIP38)": _alone(f"6P[{BASE58}]{{56}}"),
    "a share of seed words (codex32)": re.compile(r"\bms1[02-9a-hj-np-z]{40,}", re.IGNORECASE),
}
#: Raw hexadecimal of 32 bytes alone can only be meant as a private key.
RAW_KEY = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")


def refuse_secrets(text: str) -> None:
    """Raises PrivateKeyRefused if the text holds, or seems to hold, a secret."""
    for what, pattern in PRIVATE.items():
        if pattern.search(text):
            raise PrivateKeyRefused(f"this holds {what}")
    if RAW_KEY.fullmatch(text.strip()):
        raise PrivateKeyRefused("this looks like a raw private key")
    if _seed_words(text) >= MIN_SEED_WORDS:
        raise PrivateKeyRefused("this looks like seed words")


def _seed_words(text: str) -> int:
    """How many words, in any language and however numbered, could belong to a seed."""
    words = (word.strip("0123456789.:\"'") for word in re.split(r"[\s,;()\[\]{}/|+-]+", text))
    return sum(word.isalpha() and len(word) <= LONGEST_SEED_WORD for word in words)
