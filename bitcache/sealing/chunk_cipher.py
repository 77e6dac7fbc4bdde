"""One chunk of Cobblestone-128, and the cutting of a stream into chunks (C2SP chunked-encryption).

:class:`ChunkCipher` seals and opens chunk ``k``; :class:`Cutter` turns pieces of any size into whole
chunks.  Both are plumbing for :mod:`bitcache.sealing.container`, which is what callers want.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
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
        """Return the cipher that the first 56 bytes of a sealed file ask for.

        Raise WrongKey when the commitment differs.
        """
        cipher = cls(key, context, header[:SALT_SIZE])
        if not hmac.compare_digest(cipher.header, header):
            raise WrongKey
        return cipher

    def seal_into(self, index: int, blocks: Iterable[Buffer], out: memoryview) -> int:
        """Seal consecutive chunks from ``index`` on into ``out``, 16 bytes more each; returns the next index."""
        # Names of its own and one loop: at some GB/s a look-up per chunk is felt.
        seal, nonce, position = self._aead.encrypt_into, self._base_nonce, 0
        for block in blocks:
            end = position + len(block) + TAG_SIZE
            seal((nonce ^ index).to_bytes(12, "big"), block, None, out[position:end])
            position, index = end, index + 1
        return index

    def open_into(self, index: int, blocks: Iterable[Buffer], out: memoryview) -> int:
        """Open chunks; return the next index, or raise Tampered with ``details["chunk"]``."""
        unseal, nonce, position = self._aead.decrypt_into, self._base_nonce, 0
        try:
            for block in blocks:
                end = position + len(block) - TAG_SIZE
                unseal((nonce ^ index).to_bytes(12, "big"), block, None, out[position:end])
                position, index = end, index + 1
        except InvalidTag:
            raise Tampered(f"chunk {index} is not what was sealed", chunk=index) from None
        return index


class Cutter:
    """Cuts pieces of any size into blocks of ``size`` bytes; keeps less than one block between calls."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.rest = bytearray()

    def count(self, length: int) -> int:
        """Return how many blocks the next ``length`` bytes complete."""
        return (len(self.rest) + length) // self._size

    def whole(self, data: memoryview) -> Iterator[memoryview]:
        """Yield the blocks that ``data`` completes, without copying those that lie whole inside it."""
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


class Scratch:
    """A buffer that grows to the largest piece and is used again.

    Fresh memory for every piece costs more than the encryption: the kernel clears its pages each time.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def view(self, length: int) -> memoryview:
        """``length`` bytes to write into, until the next call."""
        if len(self._bytes) < length:
            self._bytes = bytearray(length)
        return memoryview(self._bytes)[:length]
