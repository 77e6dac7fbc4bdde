"""The container as a stream: what it makes, what it opens, what it costs."""

from __future__ import annotations

import hashlib
import itertools
import resource
import sys
import tracemalloc
from collections.abc import Iterator

import pytest
from cryptography.cobblestone import Cobblestone128Decryptor, Cobblestone128Encryptor
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import NotSealed, TrailingBytes, Truncated, WrongKey
from bitcache.sealing.chunk_cipher import CHUNK_SIZE, HEADER_SIZE, SEALED_CHUNK_SIZE
from bitcache.sealing.container import (
    MAX_PLAIN_SIZE,
    Opener,
    Sealer,
    chunk_offset,
    open_range,
    plain_size,
    sealed_size,
)

KEY, CONTEXT, SALT = b"K" * 16, b"context", b"S" * 24
LENGTHS = [0, 1, 16383, 16384, 16385, 32767, 32768, 100_000]
MIB = 2**20


def content(length: int) -> bytes:
    return hashlib.shake_128(b"content").digest(length)


def seal(plain: bytes) -> bytes:
    sealer = Sealer(KEY, CONTEXT, SALT)
    return sealer.update(plain) + sealer.finalize()


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return (data[start:stop] for start, stop in itertools.pairwise(edges))


PLAIN = content(3 * CHUNK_SIZE + 777)
SEALED = seal(PLAIN)
CUTS = st.lists(st.integers(0, len(SEALED)), max_size=12)


@pytest.mark.parametrize("length", LENGTHS)
def test_cryptography_opens_ours(length: int) -> None:
    """An independent implementation reads what we seal."""
    theirs = Cobblestone128Decryptor(KEY, CONTEXT)
    assert theirs.update(seal(content(length))) + theirs.finalize() == content(length)


@pytest.mark.parametrize("length", LENGTHS)
def test_ours_opens_cryptography(length: int) -> None:
    """We read what an independent implementation seals, and under its salt we seal the same bytes."""
    theirs = Cobblestone128Encryptor(KEY, CONTEXT)
    sealed = theirs.update(content(length)) + theirs.finalize()
    opener = Opener(KEY, CONTEXT, sealed_size=len(sealed))
    assert opener.update(sealed) + opener.finalize() == content(length)
    sealer = Sealer(KEY, CONTEXT, sealed[:24])
    assert sealer.update(content(length)) + sealer.finalize() == sealed


@given(CUTS)
def test_any_pieces_seal_the_same(cuts: list[int]) -> None:
    """However the plaintext arrives, the sealed bytes are the same."""
    sealer = Sealer(KEY, CONTEXT, SALT)
    assert b"".join(sealer.update(piece) for piece in pieces(PLAIN, cuts)) + sealer.finalize() == SEALED


@given(CUTS)
def test_any_pieces_open_the_same(cuts: list[int]) -> None:
    """However the sealed bytes arrive, even one by one in the header, the content is the same."""
    opener = Opener(KEY, CONTEXT, sealed_size=len(SEALED))
    assert b"".join(opener.update(piece) for piece in pieces(SEALED, cuts)) + opener.finalize() == PLAIN


def test_single_bytes() -> None:
    """Pieces of one byte work, in both directions."""
    plain = PLAIN[: CHUNK_SIZE + 5]
    sealer, opener = Sealer(KEY, CONTEXT, SALT), Opener(KEY, CONTEXT)
    sealed = b"".join(sealer.update(plain[i : i + 1]) for i in range(len(plain))) + sealer.finalize()
    assert sealed == seal(plain)
    assert b"".join(opener.update(sealed[i : i + 1]) for i in range(len(sealed))) + opener.finalize() == plain


@pytest.mark.parametrize("chunk", [0, 1, 2, 3])
def test_sealing_resumes(chunk: int) -> None:
    """From any chunk on, the same key and salt give the bytes that an uninterrupted run gives."""
    sealer = Sealer(KEY, CONTEXT, SALT, first_chunk=chunk)
    sealed = sealer.update(PLAIN[chunk * CHUNK_SIZE :]) + sealer.finalize()
    assert sealed == (SEALED[chunk_offset(chunk) :] if chunk else SEALED)
    assert sealer.header == SEALED[:HEADER_SIZE]


@pytest.mark.parametrize("chunk", [0, 1, 2, 3])
def test_opening_resumes(chunk: int) -> None:
    """With the stored header, opening goes on at any chunk."""
    opener = Opener(KEY, CONTEXT, header=SEALED[:HEADER_SIZE], first_chunk=chunk, sealed_size=len(SEALED))
    assert opener.update(SEALED[chunk_offset(chunk) :]) + opener.finalize() == PLAIN[chunk * CHUNK_SIZE :]


def test_resumed_opening_checks_the_commitment_first() -> None:
    """A stored header of another key is refused before any chunk is asked for."""
    with pytest.raises(WrongKey):
        Opener(b"X" * 16, CONTEXT, header=SEALED[:HEADER_SIZE], first_chunk=1)
    with pytest.raises(ValueError, match="header"):
        Opener(KEY, CONTEXT, first_chunk=1)


@given(st.integers(0, len(PLAIN)), st.integers(0, len(PLAIN)))
def test_ranges(one: int, other: int) -> None:
    """Any range opens to that part of the content, and reads no chunk it does not need."""
    start, stop = sorted((one, other))
    reads: list[int] = []

    def read_at(offset: int, length: int) -> bytes:
        reads.append(offset)
        return SEALED[offset : offset + length]

    assert open_range(read_at, len(SEALED), KEY, CONTEXT, start, stop) == PLAIN[start:stop]
    wanted = {chunk_offset(k) for k in range(start // CHUNK_SIZE, -(-stop // CHUNK_SIZE))}
    assert set(reads) == {0, chunk_offset(len(PLAIN) // CHUNK_SIZE)} | wanted
    assert len(reads) == len(set(reads))


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (2, 1), (0, len(PLAIN) + 1)])
def test_range_outside_the_file(start: int, stop: int) -> None:
    """A range that the file does not have is the caller's mistake, not a damaged file."""
    with pytest.raises(ValueError, match="outside"):
        open_range(lambda at, n: SEALED[at : at + n], len(SEALED), KEY, CONTEXT, start, stop)


def test_range_of_a_short_file() -> None:
    """A store that returns fewer bytes than announced means truncation."""
    short = SEALED[:-1]
    with pytest.raises(Truncated):
        open_range(lambda at, n: short[at : at + n], len(SEALED), KEY, CONTEXT, 0, 1)


@given(st.integers(0, MAX_PLAIN_SIZE))
def test_sizes_are_inverse(length: int) -> None:
    """plain_size undoes sealed_size, up to 4 PiB."""
    assert plain_size(sealed_size(length)) == length


def test_impossible_sizes() -> None:
    """Lengths that no sealed file has are refused: too short, a chunk without its tag, beyond 4 PiB."""
    full = HEADER_SIZE + SEALED_CHUNK_SIZE
    for size in (-1, 0, 55, 56, 71, full, full + 1, full + 15, sealed_size(MAX_PLAIN_SIZE) + 1):
        with pytest.raises(NotSealed):
            plain_size(size)
    with pytest.raises(NotSealed):
        Opener(KEY, CONTEXT, sealed_size=full)


def test_announced_size_names_the_failure() -> None:
    """With the manifest's size, a cut and an extension have their own errors."""
    short = Opener(KEY, CONTEXT, sealed_size=len(SEALED))
    short.update(SEALED[:-1])
    with pytest.raises(Truncated):
        short.finalize()
    long = Opener(KEY, CONTEXT, sealed_size=len(SEALED))
    with pytest.raises(TrailingBytes):
        long.update(SEALED + b"x")
    late = Opener(KEY, CONTEXT)
    late.update(SEALED)
    late.finalize()
    with pytest.raises(TrailingBytes):
        late.update(b"x")


def test_finalize_once() -> None:
    """A finished object is not used again by mistake."""
    sealer, opener = Sealer(KEY, CONTEXT, SALT), Opener(KEY, CONTEXT)
    opener.update(sealer.finalize())
    opener.finalize()
    for again in (sealer.finalize, opener.finalize):
        with pytest.raises(ValueError, match="finalized"):
            again()


@pytest.mark.slow
def test_a_gibibyte_in_constant_memory() -> None:
    """1 GiB goes through both halves while memory grows by less than 64 MiB."""
    piece = content(MIB)
    sealer, opener = Sealer(KEY, CONTEXT, SALT), Opener(KEY, CONTEXT, sealed_size=sealed_size(1024 * MIB))
    before, count = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    tracemalloc.start()
    for _ in range(1024):
        opened = opener.update(sealer.update(piece))
        count += len(opened)
    count += len(opener.update(sealer.finalize())) + len(opener.finalize())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)
    assert count == 1024 * MIB
    assert max(peak, grown) < 64 * MIB
