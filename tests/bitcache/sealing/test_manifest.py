"""The manifest: exact text signed, strictly read, refused when anything about it is off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import InvalidManifest
from bitcache.identifiers import b64u, new_file_id
from bitcache.money import MAX_MONEY
from bitcache.sealing import manifest
from bitcache.sealing.container import sealed_size

SEED = bytes(range(32))
MANIFEST = manifest.Manifest(
    file_id=new_file_id(),
    sealed_size=sealed_size(31_415_926),
    header=b"h" * 56,
    group_root=b"g" * 32,
    share_hash=b"s" * 32,
    meta_hash=b"m" * 32,
    preview_hash=None,
    price_sat=2500,
    seller_key=manifest.seller_key(SEED),
)
TEXT = MANIFEST.text()
SIGNATURE = manifest.sign(TEXT, SEED)


def changed(**members: Any) -> str:
    return json.dumps({**json.loads(TEXT), **members})


def test_round_trip() -> None:
    """What was built and signed verifies to the same values, with and without a preview."""
    assert manifest.verify(TEXT, SIGNATURE) == MANIFEST
    assert manifest.parse(changed(preview_hash=b64u(b"p" * 32))).preview_hash == b"p" * 32


def test_exact_text_is_signed() -> None:
    """The same members spelled otherwise are another text: only the signed bytes verify."""
    with pytest.raises(InvalidManifest):
        manifest.verify(json.dumps(json.loads(TEXT)), SIGNATURE)
    assert manifest.verify(" " + TEXT, manifest.sign(" " + TEXT, SEED)) == MANIFEST


@given(st.integers(0, 511))
def test_any_flipped_bit_of_the_signature(bit: int) -> None:
    """A changed signature is refused."""
    signature = bytearray(SIGNATURE)
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidManifest):
        manifest.verify(TEXT, bytes(signature))


def test_another_seller() -> None:
    """A manifest signed by someone else, or for someone else's key, is refused; so is no signature."""
    with pytest.raises(InvalidManifest):
        manifest.verify(TEXT, manifest.sign(TEXT, b"x" * 32))
    with pytest.raises(InvalidManifest):
        manifest.verify(changed(seller_key=b64u(manifest.seller_key(b"x" * 32))), SIGNATURE)
    for signature in (b"", bytes(64), SIGNATURE + b"\x00"):
        with pytest.raises(InvalidManifest):
            manifest.verify(TEXT, signature)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        changed(v=2),
        changed(v=True),
        changed(v="1"),
        changed(extra=1),
        changed(file_id="AA"),
        changed(file_id="A" * 21 + "B"),
        changed(sealed_size=71),
        changed(sealed_size=56 + 16_400),
        changed(sealed_size=2**53),
        changed(sealed_size=-1),
        changed(sealed_size=72.0),
        changed(sealed_size="72"),
        changed(header=b64u(b"h" * 55)),
        changed(group_root=None),
        changed(share_hash=b64u(b"s" * 32) + "="),
        changed(meta_hash=""),
        changed(preview_hash=0),
        changed(price_sat=0),
        changed(price_sat=MAX_MONEY + 1),
        changed(price_sat=2500.0),
        changed(price_sat=True),
        changed(price_sat=None),
        changed(seller_key="ü" * 43),
        changed(file_id="\ud800"),
        TEXT.replace("{", "{" + " " * 5000),
        TEXT.replace('"v":1,', ""),
        TEXT[:-1] + ',"price_sat":1}',
        TEXT.replace("2500", "25e2"),
        TEXT.replace("2500", "Infinity"),
        "\ufeff" + TEXT,
        TEXT + "\ud800",
    ],
)
def test_strict(text: str) -> None:
    """Unknown versions and members, doubled members, wrong types, sizes and ranges are refused."""
    with pytest.raises(InvalidManifest):
        manifest.parse(text)
    with pytest.raises(InvalidManifest):
        manifest.verify(text, SIGNATURE)
