"""One chunk of Cobblestone-128, and the cutting of a stream into chunks (C2SP chunked-encryption).

:class:`ChunkCipher` seals and opens chunk ``k``; :class:`Cutter` turns pieces of any size into whole
chunks.  Both are plumbing for :mod:`bitcache.sealing.container`, which is what callers want.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bitcache.errors import Tampered, WrongKey

Buffer: TypeAlias = bytes | bytearray | memoryview

KEY_SIZE = 16
SALT_SIZE = 24
COMMITMENT_SIZE = 32
HEADER_SIZE = SALT_SIZE + COMMITMENT_SIZE
TAG_SIZE = 16
CHUNK_SIZE = 16_384
SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE

_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_128_GCM\x00"


class ChunkCipher:
    """AES-128-GCM under the key, base nonce and commitment that (key, context, salt) derive."""

    def __init__(self, key: bytes, context: bytes, salt: bytes) -> None:
        """``key`` 16 bytes (else WrongKey), ``salt`` 24 bytes (else ValueError)."""
        if len(key) != KEY_SIZE:
            raise WrongKey("a file key has 16 bytes")
        if len(salt) != SALT_SIZE:
            raise ValueError("a salt has 24 bytes")
        # HKDF-Expand for 60 bytes is a single HMAC block (RFC 5869 §2.3).
        okm = hmac.digest(key, _LABEL + salt + context + b"\x01", "sha512")
        self._aead = AESGCM(okm[:16])
        self._base_nonce = int.from_bytes(okm[16:28], "big")
        self.header = salt + okm[28:60]

    @classmethod
    def for_header(cls, key: bytes, context: bytes, header: bytes) -> ChunkCipher:
        """From the first 56 bytes of a sealed file; raises WrongKey when the commitment differs."""
        cipher = cls(key, context, header[:SALT_SIZE])
        if not hmac.compare_digest(cipher.header, header):
            raise WrongKey
        return cipher

    def _nonce(self, index: int) -> bytes:
        return (self._base_nonce ^ index).to_bytes(12, "big")

    def seal_into(self, index: int, plain: Buffer, out: memoryview) -> int:
        """Seal chunk ``index`` into ``out`` (len(plain) + 16 bytes); returns the bytes written."""
        return self._aead.encrypt_into(self._nonce(index), plain, None, out[: len(plain) + TAG_SIZE])

    def open_into(self, index: int, sealed: Buffer, out: memoryview) -> int:
        """Open chunk ``index`` into ``out`` (len(sealed) - 16 bytes); raises Tampered with ``chunk``."""
        try:
            return self._aead.decrypt_into(self._nonce(index), sealed, None, out[: len(sealed) - TAG_SIZE])
        except InvalidTag:
            raise Tampered(f"chunk {index} is not what was sealed", chunk=index) from None


class Cutter:
    """Cuts pieces of any size into blocks of ``size`` bytes; keeps less than one block between calls."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.rest = bytearray()

    def whole(self, data: memoryview) -> Iterator[memoryview]:
        """The blocks that ``data`` completes, without copying those that lie whole inside it."""
        if self.rest:
            missing = self._size - len(self.rest)
            self.rest += data[:missing]
            data = data[missing:]
            if len(self.rest) < self._size:
                return
            full, self.rest = self.rest, bytearray()
            yield memoryview(full)
        end = len(data) - len(data) % self._size
        for start in range(0, end, self._size):
            yield data[start : start + self._size]
        self.rest += data[end:]
