"""Project Wycheproof's 35 vectors for Cobblestone-128, each applied as a stream and by random access.

``tests/vectors/wycheproof/README.md`` says where the file is from.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bitcache.errors import NotSealed, SealingError, WrongKey
from bitcache.sealing.chunk_cipher import HEADER_SIZE, SALT_SIZE, SEALED_CHUNK_SIZE, ChunkCipher
from bitcache.sealing.container import Opener, open_range, plain_size

FILE = Path(__file__).parents[2] / "vectors" / "wycheproof" / "c2sp_chunked_encryption_aes_128_gcm_test.json"


def load() -> list[Any]:
    groups = json.loads(FILE.read_text(encoding="utf-8"))["testGroups"]
    return [pytest.param(test, id=f"tc{test['tcId']}") for group in groups for test in group["tests"]]


VECTORS = load()


def test_all_of_them_are_here() -> None:
    assert len(VECTORS) == 35


def inputs(vector: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    sealed = zlib.decompress(bytes.fromhex(vector["ct"]))
    return bytes.fromhex(vector["key"]), bytes.fromhex(vector["ctx"]), sealed


def matches(vector: dict[str, Any], plain: bytes) -> bool:
    return (len(plain), hashlib.sha512(plain).hexdigest()) == (vector["msgLength"], vector["msgSha512"])


def stream(opener: Opener, sealed: bytes) -> tuple[bytes, SealingError | None]:
    """What comes out when chunk after chunk goes in, and the error at the end, if any."""
    cuts = [0, *range(HEADER_SIZE, len(sealed), SEALED_CHUNK_SIZE), len(sealed)]
    out = b""
    try:
        for start, stop in itertools.pairwise(cuts):
            out += opener.update(sealed[start:stop])
        return out + opener.finalize(), None
    except SealingError as error:
        return out, error


@pytest.mark.parametrize("vector", VECTORS)
def test_streaming(vector: dict[str, Any]) -> None:
    """Valid vectors open; invalid ones fail, keep failing, and release the valid prefix and nothing else."""
    key, context, sealed = inputs(vector)
    opener = Opener(key, context)
    plain, error = stream(opener, sealed)
    if vector["result"] == "valid":
        assert error is None
        assert matches(vector, plain)
        return
    assert error is not None
    assert matches(vector, plain) if "PartialPlaintext" in vector["flags"] else plain == b""
    for more in (b"", sealed):
        with pytest.raises(type(error)):
            opener.update(more)
    with pytest.raises(type(error)):
        opener.finalize()


@pytest.mark.parametrize("vector", VECTORS)
def test_random_access(vector: dict[str, Any]) -> None:
    """By ranges the same verdict; the length is only believed where the final chunk is valid."""
    key, context, sealed = inputs(vector)

    def part(start: int, stop: int) -> bytes:
        return open_range(lambda at, length: sealed[at : at + length], len(sealed), key, context, start, stop)

    if vector["result"] == "valid":
        size = vector["msgLength"]
        assert matches(vector, part(0, size))
        middle = part(size // 3, size - size // 3)
        assert middle == part(0, size)[size // 3 : size - size // 3]
        return
    try:
        size = plain_size(len(sealed))
    except NotSealed:
        size = 0
    with pytest.raises(SealingError):
        part(0, size)
    if "ValidFinalChunk" in vector["flags"]:
        assert part(0, 0) == b""
    else:
        with pytest.raises(SealingError):
            part(0, 0)


@pytest.mark.parametrize("vector", VECTORS)
def test_derivation(vector: dict[str, Any]) -> None:
    """Key and base nonce are the vector's own ("raw mode"), wherever the header is valid."""
    key, context, sealed = inputs(vector)
    header = sealed[:HEADER_SIZE]
    if "HeaderFailure" in vector["flags"]:
        with pytest.raises((WrongKey, ValueError)):
            ChunkCipher.for_header(key, context, header.ljust(SALT_SIZE)[:HEADER_SIZE])
        return
    out = bytearray(5 + 16)
    ChunkCipher.for_header(key, context, header).seal_into(0, [b"probe"], memoryview(out))
    raw = AESGCM(bytes.fromhex(vector["aeadKey"]))
    assert out == raw.encrypt(bytes.fromhex(vector["baseNonce"]), b"probe", None)
