"""The buyer's memory: nothing in it is lost, whoever else writes to it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bitcache.errors import StorageError
from bitcache.identifiers import new_file_id
from bitcache.sealing.file_link import Link
from gateway.client.errors import PaymentUnknown
from gateway.client.saved_purchases import FirstAnswer, SavedPurchases

LINK = Link("http://gateway.example", new_file_id(), bytes(16))


def test_two_runs_on_one_link_keep_both_claims(tmp_path: Path) -> None:
    saved, elsewhere = SavedPurchases.of(LINK, tmp_path), SavedPurchases.of(LINK, tmp_path)
    claims = [saved.new_claim(), elsewhere.new_claim(), saved.new_claim()]
    assert SavedPurchases.of(LINK, tmp_path).claims == claims


def test_many_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: SavedPurchases.of(LINK, tmp_path).new_claim(), range(40)))
    assert sorted(SavedPurchases.of(LINK, tmp_path).claims) == sorted(made)


def test_the_bytes_of_the_first_run_count(tmp_path: Path) -> None:
    saved, elsewhere = SavedPurchases.of(LINK, tmp_path), SavedPurchases.of(LINK, tmp_path)
    assert saved.pin(b"root")
    assert not elsewhere.pin(b"another")
    assert SavedPurchases.of(LINK, tmp_path).pin(b"root")


def test_the_first_answer_counts(tmp_path: Path) -> None:
    saved = SavedPurchases.of(LINK, tmp_path)
    claim = saved.new_claim()
    elsewhere = SavedPurchases.of(LINK, tmp_path)
    saved.note(claim, FirstAnswer("T", "address", 2_500))
    elsewhere.note(claim, FirstAnswer("U", "another", 1))
    elsewhere.note("a claim that is not ours", FirstAnswer("U", "another", 1))
    assert SavedPurchases.of(LINK, tmp_path).first == {claim: ("T", "address", 2_500)}


def test_what_an_earlier_version_wrote(tmp_path: Path) -> None:
    saved = SavedPurchases.of(LINK, tmp_path)
    saved.path.parent.mkdir()
    first = {"c": {"purchase_id": "T", "address": None}}
    saved.path.write_text(json.dumps({"v": 1, "claims": ["c"], "manifest_hash": None, "first": first}))
    read = SavedPurchases.of(LINK, tmp_path)
    assert (read.claims, read.first) == (["c"], {"c": ("T", None, None)})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"claims": [], "manifest_hash": null, "first": []}'])
def test_a_damaged_file_is_not_overwritten(tmp_path: Path, text: str) -> None:
    saved = SavedPurchases.of(LINK, tmp_path)
    saved.new_claim()
    saved.path.write_text(text)
    with pytest.raises(StorageError, match="damaged"):
        saved.new_claim()
    assert saved.path.read_text() == text


def test_one_invoice_is_handed_to_a_wallet_whoever_asks(tmp_path: Path) -> None:
    """Two runs at once: only the first may forget it again, and neither hands over another one."""
    saved, elsewhere = SavedPurchases.of(LINK, tmp_path), SavedPurchases.of(LINK, tmp_path)
    assert saved.handed_to_wallet("T", "lnbc1")
    assert not elsewhere.handed_to_wallet("T", "lnbc1")
    with pytest.raises(PaymentUnknown):
        elsewhere.handed_to_wallet("T", "lnbc2")
    assert SavedPurchases.of(LINK, tmp_path).handed == {"T": "lnbc1"}
    saved.not_sent("T")
    assert SavedPurchases.of(LINK, tmp_path).handed == {}
