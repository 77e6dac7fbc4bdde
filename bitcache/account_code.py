"""The account code: everything that a seller has to keep, made on their own device and never sent.

128 random bits and a checksum, in seven groups of four characters (Crockford's base 32: no I, L, O, U).  Two secrets
are derived from it, one for each purpose: the seller's token, by which the gateway knows them, and the index key, which
seals what only they may read.  JavaScript's half: gateway/web/static/sealing/account-code.js; both read
tests/vectors/account-codes.json.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bitcache.errors import InvalidIdentifier
from bitcache.identifiers import b64u

ENTROPY_BYTES = 16
CHECK_BITS = 12
LENGTH, GROUP = 28, 4  #: characters: 128 + 12 bits are 28 times five
KEY_BYTES = 32
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans("OIL", "011")


def new_account_code() -> str:
    """Return a fresh code, in groups."""
    return spell(secrets.token_bytes(ENTROPY_BYTES))


def spell(entropy: bytes) -> str:
    """Return the code of 16 bytes, in groups."""
    number = int.from_bytes(entropy, "big") << CHECK_BITS | _checksum(entropy)
    letters = [_ALPHABET[number >> 5 * place & 31] for place in reversed(range(LENGTH))]
    return "-".join("".join(letters[start : start + GROUP]) for start in range(0, LENGTH, GROUP))


def parse(text: str) -> bytes:
    """Return the 16 bytes of a code as a person typed it; raise InvalidIdentifier, which quotes nothing."""
    letters = "".join(text.upper().split()).replace("-", "").translate(_READ_AS)
    if len(letters) != LENGTH or not set(letters) <= set(_ALPHABET):
        raise InvalidIdentifier(f"an account code has {LENGTH} letters and digits")
    number = 0
    for letter in letters:
        number = number << 5 | _ALPHABET.index(letter)
    entropy = (number >> CHECK_BITS).to_bytes(ENTROPY_BYTES, "big")
    if number & (1 << CHECK_BITS) - 1 != _checksum(entropy):
        raise InvalidIdentifier("this account code has a typing error")
    return entropy


def token_of(entropy: bytes) -> str:
    """Return the seller's token, of which the gateway keeps a hash."""
    return b64u(_derive(entropy, b"bitcache/v1 account token"))


def index_key_of(entropy: bytes) -> bytes:
    """Return the key that seals the account's index (docs/protocol.md §11)."""
    return _derive(entropy, b"bitcache/v1 account index")


def _derive(entropy: bytes, purpose: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt: the code has its full entropy already."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(entropy)


def _checksum(entropy: bytes) -> int:
    digest = hashlib.sha256(b"bitcache/v1 account code" + entropy).digest()
    return int.from_bytes(digest[:2], "big") >> 16 - CHECK_BITS
