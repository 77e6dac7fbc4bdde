"""Sealing and opening, beside ``cryptography.cobblestone``, the same format in Rust."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.cobblestone import Cobblestone128Decryptor, Cobblestone128Encryptor

from bench.case import Case, milliseconds, rate
from bitcache.sealing.container import Opener, Sealer, open_range, sealed_size

SIZE = 64 * 2**20
PIECE = 2**20
RANGE = 2**20
PEER = "cryptography.cobblestone"


@contextmanager
def cases() -> Iterator[list[Case]]:
    """Throughput over 64 MiB in pieces of 1 MiB, and one MiB out of their middle."""
    key, context, salt = os.urandom(16), b"bench", os.urandom(24)
    plain = os.urandom(SIZE)
    sealer = Sealer(key, context, salt)
    sealed = sealer.update(plain) + sealer.finalize()
    assert len(sealed) == sealed_size(SIZE)

    def read_at(offset: int, length: int) -> bytes:
        return sealed[offset : offset + length]

    def middle() -> None:
        open_range(read_at, len(sealed), key, context, SIZE // 2, SIZE // 2 + RANGE)

    def whole() -> None:
        _stream(Cobblestone128Decryptor(key, context), sealed)

    yield [
        Case(
            "seal",
            "MB/s",
            rate(SIZE / 1e6, lambda: _stream(Sealer(key, context, os.urandom(24)), plain)),
            PEER,
            rate(SIZE / 1e6, lambda: _stream(Cobblestone128Encryptor(key, context), plain)),
            "64 MiB in pieces of 1 MiB, one core; ours resumes at any chunk, the peer cannot",
        ),
        Case(
            "open",
            "MB/s",
            rate(SIZE / 1e6, lambda: _stream(Opener(key, context, sealed_size=len(sealed)), sealed)),
            PEER,
            rate(SIZE / 1e6, whole),
            "64 MiB in pieces of 1 MiB, one core",
        ),
        Case(
            "open a range",
            "ms",
            milliseconds(middle),
            PEER,
            milliseconds(whole),
            "1 MiB from the middle of 64 MiB; the peer has no ranges and opens everything",
        ),
    ]


def _stream(coder: Sealer | Opener | Cobblestone128Encryptor | Cobblestone128Decryptor, data: bytes) -> None:
    view = memoryview(data)
    for start in range(0, len(view), PIECE):
        coder.update(view[start : start + PIECE])
    coder.finalize()
