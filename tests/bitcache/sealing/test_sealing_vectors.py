"""tests/vectors/sealing.json, which the JavaScript tests read too: made by its script, and true for this code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bitcache.identifiers import b64u, claim_hash, unb64u
from bitcache.sealing import hash_groups, key_derivation, manifest, metadata
from bitcache.sealing.container import Opener, Sealer, open_range

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "sealing.json").read_text(encoding="utf-8"))
CASES = [pytest.param(case, id=case["name"]) for case in VECTORS["cases"]]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sealing", FOLDER / "make_sealing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = script()


def plain_of(case: dict[str, Any]) -> bytes:
    plain = case["plain"]
    return bytes.fromhex(plain["hex"]) if "hex" in plain else MAKER.counter(plain["length"])


def test_the_script_makes_this_file() -> None:
    """Regenerating changes nothing: no format drifted without its vectors."""
    assert MAKER.text() == (FOLDER / "sealing.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    """Every derived value, sealed byte and group hash of a case is the recorded one, and it opens again."""
    link_share, gateway_share = unb64u(case["link_share"]), unb64u(case["gateway_share"])
    file_id, plain = case["file_id"], plain_of(case)
    key, context = key_derivation.file_key(link_share, gateway_share, file_id), key_derivation.file_context(file_id)
    assert key.hex() == case["file_key"]
    assert key_derivation.meta_key(link_share, file_id).hex() == case["meta_key"]
    assert key_derivation.preview_key(link_share, file_id).hex() == case["preview_key"]
    assert b64u(key_derivation.share_hash(gateway_share)) == case["share_hash"]
    sealer = Sealer(key, context, unb64u(case["salt"]))
    sealed = sealer.update(plain) + sealer.finalize()
    assert (len(sealed), hashlib.sha256(sealed).hexdigest()) == (case["sealed_size"], case["sealed_sha256"])
    assert b64u(sealed[:56]) == case["header"]
    hashes = [hashlib.sha256(sealed[at : at + 1049600]).digest() for at in range(56, len(sealed), 1049600)]
    assert [b64u(group_hash) for group_hash in hashes] == case["group_hashes"]
    assert b64u(hash_groups.group_root(hashes)) == case["group_root"]
    opener = Opener(key, context, sealed_size=len(sealed))
    assert opener.update(sealed) + opener.finalize() == plain
    assert open_range(lambda at, n: sealed[at : at + n], len(sealed), key, context, 0, len(plain)) == plain


def test_manifest() -> None:
    """The signed text verifies, and belongs to the last case and to the metadata and preview."""
    recorded, case = VECTORS["manifest"], VECTORS["cases"][-1]
    read = manifest.verify(recorded["text"], unb64u(recorded["signature"]))
    assert read.text() == recorded["text"]
    assert (read.file_id, read.sealed_size) == (case["file_id"], case["sealed_size"])
    assert b64u(read.group_root) == case["group_root"]
    assert read.meta_hash == manifest.digest(unb64u(VECTORS["meta"]["sealed"]))
    assert read.preview_hash == manifest.digest(unb64u(VECTORS["preview"]["sealed"]))
    assert b64u(read.seller_key) == recorded["seller_key"]


def test_metadata_and_preview() -> None:
    """Metadata and preview open to what is written beside them."""
    meta, preview = VECTORS["meta"], VECTORS["preview"]
    opened = metadata.open_metadata(unb64u(meta["sealed"]), unb64u(meta["link_share"]), meta["file_id"])
    assert opened.text() == meta["json"]
    sample = metadata.open_preview(unb64u(preview["sealed"]), unb64u(preview["link_share"]), preview["file_id"])
    assert (sample.media_type, b64u(sample.content)) == (preview["media_type"], preview["content"])


@pytest.mark.parametrize("claim", VECTORS["claims"], ids=range(len(VECTORS["claims"])))
def test_claim(claim: dict[str, str]) -> None:
    """The gateway keeps the recorded hash of a claim secret."""
    assert b64u(claim_hash(claim["secret"])) == claim["hash"]
