"""Sealed bytes that someone changed, cut, extended, reordered, or opens with the wrong shares."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import NotSealed, SealingError, Tampered, Truncated, WrongKey
from bitcache.identifiers import new_file_id
from bitcache.sealing import key_derivation
from bitcache.sealing.chunk_cipher import CHUNK_SIZE, HEADER_SIZE, SALT_SIZE
from bitcache.sealing.container import Opener, Sealer, chunk_offset, open_range, plain_size

KEY, CONTEXT, SALT = b"K" * 16, b"context", b"S" * 24
PLAIN = hashlib.shake_128(b"attacks").digest(3 * CHUNK_SIZE + 777)


def seal(plain: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    sealer = Sealer(key, context, SALT)
    return sealer.update(plain) + sealer.finalize()


SEALED = seal(PLAIN)
FULL_CHUNKS = seal(PLAIN[: 2 * CHUNK_SIZE])


def feed(opener: Opener, sealed: bytes, out: list[bytes]) -> None:
    for start in range(0, len(sealed), 10_000):
        out.append(opener.update(sealed[start : start + 10_000]))
    opener.finalize()


def refused(sealed: bytes, *, size: int | None = None) -> SealingError:
    """The error of a stream that must fail, after checking that it fails for ever and by ranges too."""
    opener = Opener(KEY, CONTEXT, sealed_size=size)
    out: list[bytes] = []
    with pytest.raises(SealingError) as caught:
        feed(opener, sealed, out)
    assert PLAIN.startswith(b"".join(out))
    with pytest.raises(type(caught.value)):
        opener.finalize()
    with pytest.raises(SealingError):
        open_range(lambda at, n: sealed[at : at + n], len(sealed), KEY, CONTEXT, 0, plain_size(len(sealed)))
    return caught.value


def refused_without_size(sealed: bytes) -> SealingError:
    opener = Opener(KEY, CONTEXT)
    with pytest.raises(SealingError) as caught:
        opener.update(sealed) + opener.finalize()
    return caught.value


@given(st.integers(0, len(SEALED) * 8 - 1))
def test_any_flipped_bit(bit: int) -> None:
    """One flipped bit is refused: in the header as a wrong key, elsewhere as that chunk's tampering."""
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    error = refused(bytes(changed), size=len(SEALED))
    if bit // 8 < HEADER_SIZE:
        assert type(error) is WrongKey
    else:
        assert type(error) is Tampered
        assert error.details["chunk"] == (bit // 8 - HEADER_SIZE) // (CHUNK_SIZE + 16)


@given(st.integers(0, len(SEALED) - 1))
def test_any_truncation(length: int) -> None:
    """A file cut anywhere is refused; with the announced size it is always called truncated."""
    refused_without_size(SEALED[:length])
    opener = Opener(KEY, CONTEXT, sealed_size=len(SEALED))
    opener.update(SEALED[:length])
    with pytest.raises(Truncated):
        opener.finalize()


@pytest.mark.parametrize("length", [0, 1, SALT_SIZE, HEADER_SIZE - 1, HEADER_SIZE, HEADER_SIZE + 15])
def test_no_room_for_a_chunk(length: int) -> None:
    """What is shorter than header and one tag is no sealed file."""
    assert type(refused_without_size(SEALED[:length])) is NotSealed


@pytest.mark.parametrize("rest", [0, 1, 15])
def test_ends_without_final_chunk(rest: int) -> None:
    """A file that ends with a full chunk, or with less than a tag after it, is truncated."""
    assert type(refused_without_size(SEALED[: chunk_offset(2) + rest])) is Truncated


@given(st.binary(min_size=1, max_size=40_000))
def test_any_extension(extra: bytes) -> None:
    """Bytes after the final chunk are refused, also where the final chunk is empty."""
    refused(SEALED + extra)
    refused_without_size(FULL_CHUNKS + extra)


@pytest.mark.parametrize(("left", "right"), [(0, 1), (0, 2), (1, 2)])
def test_swapped_chunks(left: int, right: int) -> None:
    """Each chunk opens only in its own place."""
    parts = [SEALED[chunk_offset(k) : chunk_offset(k + 1)] for k in range(4)]
    parts[left], parts[right] = parts[right], parts[left]
    error = refused(SEALED[:HEADER_SIZE] + b"".join(parts))
    assert type(error) is Tampered
    assert error.details["chunk"] == left


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_missing_chunk(lost: int) -> None:
    """A chunk cut out of the middle is noticed where it is missing."""
    error = refused(SEALED[: chunk_offset(lost)] + SEALED[chunk_offset(lost + 1) :])
    assert isinstance(error, Tampered)
    assert error.details["chunk"] == lost


def test_wrong_shares() -> None:
    """Another link share, gateway share or file id is a wrong key, before any chunk is opened."""
    file_id, link, gateway = new_file_id(), key_derivation.new_link_share(), key_derivation.new_gateway_share()
    other = new_file_id()
    right = key_derivation.file_key(link, gateway, file_id)
    sealed = seal(b"x", right, key_derivation.file_context(file_id))
    wrong = [
        (
            key_derivation.file_key(key_derivation.new_link_share(), gateway, file_id),
            key_derivation.file_context(file_id),
        ),
        (
            key_derivation.file_key(link, key_derivation.new_gateway_share(), file_id),
            key_derivation.file_context(file_id),
        ),
        (key_derivation.file_key(link, gateway, other), key_derivation.file_context(other)),
        (right, key_derivation.file_context(other)),
        (right, key_derivation.meta_context(file_id)),
        (right[:-1], key_derivation.file_context(file_id)),
    ]
    for key, context in wrong:
        opener = Opener(key, context)
        with pytest.raises(WrongKey):
            opener.update(sealed[:HEADER_SIZE])
        with pytest.raises(WrongKey):
            open_range(lambda at, n: sealed[at : at + n], len(sealed), key, context, 0, 1)
