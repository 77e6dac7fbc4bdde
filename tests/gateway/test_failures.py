"""Node down, database locked, disk full, bugs: what is said, and what still works."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sales import file_for_sale
from shop import Open, Shop
from support.answers import address_in
from support.eventually import eventually

from bitcache.errors import NodeUnreachable
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.master_key import MasterKey
from gateway.api import health
from gateway.config.data_folder import DataFolder
from wallet.chain.chain_source import ChainStatus


def unplug(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    """From now on the chain does not answer."""

    async def gone(*_: object) -> Any:
        raise NodeUnreachable

    async def status() -> ChainStatus:
        return ChainStatus(False, "regtest", error=NodeUnreachable())

    for name in ("step", "unconfirmed", "tip", "at"):
        patch.setattr(shop.chain, name, gone)
    patch.setattr(shop.chain, "status", status)


async def test_node_down(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoices can still be made, for their scripts are remembered; health says that nobody watches meanwhile."""
    sold = await shop.sell(file_for_sale())
    with monkeypatch.context() as patch:
        patch.setattr(health, "FRESH_SECONDS", 0)
        unplug(shop, patch)
        claim, purchase = await shop.begin(sold.file_id)
        got = await shop.call("GET", "/healthz")
        assert (got.status, got.json["status"], got.json["node"]["error"]) == (503, "degraded", "node_unreachable")
        assert got.json["database"]["ok"]
        await shop.chain.pay(address_in(purchase), purchase["amount_sat"])
        await shop.chain.mine()
        assert (await shop.call("GET", "/share", claim)).status == 402
    await shop.state(purchase, "settled")
    assert (await shop.call("GET", "/share", claim)).status == 200


async def test_healthy(shop: Shop) -> None:
    """200 when a sale made now would be watched, written and stored."""

    async def well() -> bool:
        return (await shop.call("GET", "/healthz")).status == 200

    await eventually(well)
    got = (await shop.call("GET", "/healthz")).json
    assert (got["status"], got["node"]["source"], got["node"]["watched_height"]) == ("ok", "simulated", 0)


async def test_disk_almost_full(open_one: Open) -> None:
    """Too little room left is a failing, before anything fails."""
    async with open_one(storage={"min_free_bytes": 2**60}) as shop:
        got = await shop.call("GET", "/healthz")
        assert (got.status, got.json["storage"]["ok"], got.json["storage"]["error"]) == (503, False, "disk_full")


async def test_database_locked(open_one: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the database: 503 with a time to come back, then all is as before."""
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    monkeypatch.setattr("bitcache.storage.database.BUSY_TIMEOUT_MS", 100)
    async with open_one() as shop:
        sold = await shop.sell(file_for_sale())
        body = {"claim_hash": b64u(claim_hash(new_secret()))}
        with held(DataFolder(shop.parts.settings.storage.directory).database):
            got = await shop.call("POST", f"/files/{sold.file_id}/purchases", json=body)
            assert (got.status, got.json["code"]) == (503, "database_busy")
            assert got.headers["Retry-After"]
            assert (await shop.call("GET", f"/files/{sold.file_id}")).status == 200
            assert (await shop.call("GET", "/healthz")).json["database"] == {"ok": False, "error": "database_busy"}
        assert (await shop.call("POST", f"/files/{sold.file_id}/purchases", json=body)).status == 201


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another process writes, for ever."""
    other = sqlite3.connect(database)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


async def test_a_bug_says_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with a number that the log explains, and not a word more."""

    def broken(*_: object) -> None:
        raise RuntimeError("/srv/secret/path")

    monkeypatch.setattr("bitcache.listings.get", broken)
    got = await shop.call("GET", "/files/" + "A" * 22)
    assert (got.status, got.json["code"], len(got.json["incident"])) == (500, "unexpected", 12)
    assert b"secret" not in got.body


async def test_another_master_key(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that the master key does not open is the operator's trouble, and no word to the buyer about keys."""
    sold = await shop.sell(file_for_sale())
    claim, purchase = await shop.begin(sold.file_id)
    await shop.pay(purchase)
    monkeypatch.setattr(shop.parts.master_key, "_aead", MasterKey(bytes(32))._aead)
    got = await shop.call("GET", "/share", claim)
    assert (got.status, got.json["code"]) == (503, "storage")
