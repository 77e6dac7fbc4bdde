"""Metadata and preview: what goes in comes out, within the protocol's limits, under the link share alone."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from bitcache.errors import InvalidManifest, InvalidName, Tampered, WrongKey
from bitcache.identifiers import new_file_id
from bitcache.sealing import key_derivation
from bitcache.sealing.container import Sealer
from bitcache.sealing.metadata import (
    MAX_PREVIEW,
    Metadata,
    Preview,
    open_metadata,
    open_preview,
    parse_metadata,
    seal_metadata,
    seal_preview,
)

FILE_ID, LINK_SHARE, SALT = new_file_id(), key_derivation.new_link_share(), key_derivation.new_salt()
META = Metadata("Été – a song", "song.flac", "audio/flac", 31_415_926, b"\x07" * 32)


def sealed_raw(plain: bytes, kind: str) -> bytes:
    """What a seller with a client of their own could send."""
    key = {"meta": key_derivation.meta_key, "preview": key_derivation.preview_key}[kind](LINK_SHARE, FILE_ID)
    context = {"meta": key_derivation.meta_context, "preview": key_derivation.preview_context}[kind](FILE_ID)
    sealer = Sealer(key, context, SALT)
    return sealer.update(plain) + sealer.finalize()


def changed(**members: Any) -> str:
    return json.dumps({**json.loads(META.text()), **members})


def test_round_trip() -> None:
    """Metadata comes back as it was."""
    assert open_metadata(seal_metadata(META, LINK_SHARE, FILE_ID, SALT), LINK_SHARE, FILE_ID) == META


def test_wrong_link() -> None:
    """Another link share or file id does not open it, nor does the preview's key."""
    sealed = seal_metadata(META, LINK_SHARE, FILE_ID, SALT)
    with pytest.raises(WrongKey):
        open_metadata(sealed, key_derivation.new_link_share(), FILE_ID)
    with pytest.raises(WrongKey):
        open_metadata(sealed, LINK_SHARE, new_file_id())
    with pytest.raises(WrongKey):
        open_preview(sealed, LINK_SHARE, FILE_ID)
    with pytest.raises(Tampered):
        open_metadata(sealed[:-1] + bytes([sealed[-1] ^ 1]), LINK_SHARE, FILE_ID)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 5000,
        changed(v=2),
        changed(v=True),
        changed(size=-1),
        changed(size=1.5),
        changed(size=True),
        changed(size="1"),
        changed(size=2**53),
        changed(type="audio/flac\n"),
        changed(type="x" * 128),
        changed(seller_key="AA"),
        changed(title=None),
        changed(more=1),
        META.text().replace('"size"', '"taille"'),
        META.text()[:-1] + ',"size":1}',
        META.text().replace("31415926", "NaN"),
        META.text().replace("31415926", "1" * 5000),
        META.text() + "x",
    ],
)
def test_strict(text: str) -> None:
    """Missing, extra, doubled or mistyped members and impossible values are refused."""
    with pytest.raises(InvalidManifest):
        parse_metadata(text)


def test_deceptive_names() -> None:
    """A hostile seller's title is refused, and their file name is made safe."""
    with pytest.raises(InvalidName):
        parse_metadata(changed(title="invoice\u202efdp.exe"))
    assert parse_metadata(changed(name="../../.bashrc")).name == "_.._.bashrc"
    with pytest.raises(InvalidName):
        dataclasses.replace(META, title=" ").text()


def test_not_text() -> None:
    """Sealed bytes that are no UTF-8 are refused, and so are far too many."""
    with pytest.raises(InvalidManifest):
        open_metadata(sealed_raw(b"\xff\xfe{}", "meta"), LINK_SHARE, FILE_ID)
    with pytest.raises(InvalidManifest):
        open_metadata(sealed_raw(META.text().encode().ljust(16_385), "meta"), LINK_SHARE, FILE_ID)
    assert open_metadata(sealed_raw(META.text().encode().ljust(16_384), "meta"), LINK_SHARE, FILE_ID) == META


@pytest.mark.parametrize(
    "preview",
    [
        Preview("image/png", b"\x89PNG\n\x00\xff"),
        Preview("text/plain", "première strophe".encode()),
        Preview("image/webp", b""),
        Preview("image/jpeg", b"\n" * MAX_PREVIEW),
    ],
)
def test_preview_round_trip(preview: Preview) -> None:
    """Previews come back as they were, also when they hold newlines or are as large as allowed."""
    assert open_preview(seal_preview(preview, LINK_SHARE, FILE_ID, SALT), LINK_SHARE, FILE_ID) == preview


@pytest.mark.parametrize(
    "preview",
    [
        Preview("image/svg+xml", b"<svg/>"),
        Preview("text/html", b"<script>"),
        Preview("", b""),
        Preview("text/plain", b"\xff"),
        Preview("image/png", b"x" * (MAX_PREVIEW + 1)),
    ],
)
def test_preview_limits(preview: Preview) -> None:
    """Types that can run script, text that is no text and large previews are refused on both sides."""
    with pytest.raises(InvalidManifest):
        seal_preview(preview, LINK_SHARE, FILE_ID, SALT)
    with pytest.raises(InvalidManifest):
        open_preview(sealed_raw(preview.media_type.encode() + b"\n" + preview.content, "preview"), LINK_SHARE, FILE_ID)
