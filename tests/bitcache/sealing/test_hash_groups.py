"""Group hashes: made while bytes pass, checked while bytes pass, resumable at every group."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitcache.errors import InvalidManifest, Tampered, TrailingBytes, Truncated
from bitcache.identifiers import new_file_id
from bitcache.sealing.chunk_cipher import HEADER_SIZE
from bitcache.sealing.container import Sealer, sealed_size
from bitcache.sealing.hash_groups import GROUP_SIZE, GroupHasher, GroupVerifier, group_count, group_offset, group_root
from bitcache.sealing.manifest import Manifest

SEALER = Sealer(b"K" * 16, b"", b"S" * 24)
SEALED = SEALER.update(bytes(2 * 64 * 16384 + 99)) + SEALER.finalize()
HASHES = [hashlib.sha256(SEALED[at : at + GROUP_SIZE]).digest() for at in range(HEADER_SIZE, len(SEALED), GROUP_SIZE)]
GROUPS = b"".join(HASHES)
MANIFEST = Manifest(
    file_id=new_file_id(),
    sealed_size=len(SEALED),
    header=SEALED[:HEADER_SIZE],
    group_root=group_root(HASHES),
    share_hash=b"s" * 32,
    meta_hash=b"m" * 32,
    preview_hash=None,
    price_sat=2500,
    seller_key=b"k" * 32,
)


def verify(verifier: GroupVerifier, sealed: bytes) -> None:
    verifier.update(sealed)
    verifier.finalize()


def test_counts() -> None:
    """A file has one group at least; 64 full chunks spill their empty final chunk into a second."""
    assert [group_count(sealed_size(n)) for n in (0, 64 * 16384 - 1, 64 * 16384, 64 * 16384 + 1)] == [1, 1, 2, 2]
    assert group_root([]) == hashlib.sha256(b"bitcache/v1 groups").digest()


@settings(max_examples=20)
@given(st.integers(1, len(SEALED)))
def test_any_pieces(size: int) -> None:
    """However the bytes arrive, hashing and checking agree with the slices of the protocol."""
    step = max(size, 1000)
    hasher, verifier = GroupHasher(), GroupVerifier(MANIFEST, GROUPS)
    for at in range(0, len(SEALED), step):
        hasher.update(SEALED[max(at, HEADER_SIZE) : max(at + step, HEADER_SIZE)])
        verifier.update(SEALED[at : at + step])
    verifier.finalize()
    assert hasher.finalize() == HASHES


@pytest.mark.parametrize("group", [0, 1, 2])
def test_resume(group: int) -> None:
    """Both go on at any group."""
    hasher, verifier = GroupHasher(HASHES[:group]), GroupVerifier(MANIFEST, GROUPS, group)
    hasher.update(SEALED[group_offset(group) :])
    verifier.update(SEALED[group_offset(group) if group else 0 :])
    verifier.finalize()
    assert hasher.finalize() == HASHES


@pytest.mark.parametrize(("position", "group"), [(0, None), (55, None), (56, 0), (56 + GROUP_SIZE, 1), (-1, 2)])
def test_tampering_names_the_group(position: int, group: int | None) -> None:
    """A changed byte is found in its own group, or in the header."""
    changed = bytearray(SEALED)
    changed[position] ^= 1
    verifier = GroupVerifier(MANIFEST, GROUPS)
    with pytest.raises(Tampered) as caught:
        verify(verifier, bytes(changed))
    assert caught.value.details == {"group": group}
    with pytest.raises(Tampered):
        verifier.finalize()


def test_wrong_length() -> None:
    """Missing and surplus bytes have their own errors."""
    short, long = GroupVerifier(MANIFEST, GROUPS), GroupVerifier(MANIFEST, GROUPS)
    short.update(SEALED[:-1])
    with pytest.raises(Truncated):
        short.finalize()
    with pytest.raises(TrailingBytes):
        long.update(SEALED + b"x")


@pytest.mark.parametrize("raw", [b"", GROUPS[:-32], GROUPS[:-1], GROUPS + bytes(32), bytes(len(GROUPS))])
def test_list_must_be_the_signed_one(raw: bytes) -> None:
    """A list of another length, or with another root, is refused before any byte is checked against it."""
    with pytest.raises(InvalidManifest):
        GroupVerifier(MANIFEST, raw)
    with pytest.raises(InvalidManifest):
        GroupVerifier(dataclasses.replace(MANIFEST, group_root=bytes(32)), GROUPS)
