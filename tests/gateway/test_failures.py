"""Node down, database locked, disk full, bugs: what is said, and what still works."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, Open
from sales import file_for_sale
from support.answers import address_in
from support.eventually import eventually

from bitcache.chain_errors import NodeUnreachable
from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.master_key import MasterKey
from gateway.api import health
from gateway.config.data_folder import DataFolder
from wallet.chain.chain_source import ChainStatus


def unplug(harness: GatewayHarness, patch: pytest.MonkeyPatch) -> None:
    """From now on the chain does not answer."""

    async def gone(*_: object) -> Any:
        raise NodeUnreachable

    async def status() -> ChainStatus:
        return ChainStatus(False, "regtest", error=NodeUnreachable())

    for name in ("step", "unconfirmed", "tip", "at"):
        patch.setattr(harness.chain, name, gone)
    patch.setattr(harness.chain, "status", status)


async def test_node_down(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoices can still be made, for their scripts are remembered; health says that nobody watches meanwhile."""
    sold = await harness.sell(file_for_sale())
    with monkeypatch.context() as patch:
        patch.setattr(health, "FRESH_SECONDS", 0)
        unplug(harness, patch)
        claim, purchase = await harness.begin(sold.file_id)
        got = await harness.call("GET", "/healthz")
        assert (got.status, got.json["status"], got.json["node"]["error"]) == (503, "degraded", "node_unreachable")
        assert got.json["database"]["ok"]
        await harness.chain.pay(address_in(purchase), purchase["amount_sat"])
        await harness.chain.mine()
        assert (await harness.call("GET", "/share", claim)).status == 402
    await harness.state(purchase, "settled")
    assert (await harness.call("GET", "/share", claim)).status == 200


async def test_healthy(harness: GatewayHarness) -> None:
    """200 when a sale made now would be watched, written and stored."""

    async def well() -> bool:
        return (await harness.call("GET", "/healthz")).status == 200

    await eventually(well)
    got = (await harness.call("GET", "/healthz")).json
    assert (got["status"], got["node"]["source"], got["node"]["watched_height"]) == ("ok", "simulated", 0)


async def test_disk_almost_full(open_one: Open) -> None:
    """Too little room left is a failing, before anything fails."""
    async with open_one(storage={"min_free_bytes": 2**60}) as harness:
        got = await harness.call("GET", "/healthz")
        assert (got.status, got.json["storage"]["ok"], got.json["storage"]["error"]) == (503, False, "disk_full")


async def test_database_locked(open_one: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the database: 503 with a time to come back, then all is as before."""
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    monkeypatch.setattr("bitcache.storage.database.BUSY_TIMEOUT_MS", 100)
    async with open_one() as harness:
        sold = await harness.sell(file_for_sale())
        body = {"claim_hash": b64u(claim_hash(new_secret()))}
        async with asyncio.timeout(20):  # before that nothing is sold, held database or not
            await harness.context.watcher.caught_up.wait()
        with held(DataFolder(harness.context.settings.storage.directory).database):
            got = await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)
            assert (got.status, got.json["code"]) == (503, "database_busy")
            assert got.headers["Retry-After"]
            assert (await harness.call("GET", f"/files/{sold.file_id}")).status == 200
            assert (await harness.call("GET", "/healthz")).json["database"] == {"ok": False, "error": "database_busy"}
        assert (await harness.call("POST", f"/files/{sold.file_id}/purchases", json=body)).status == 201


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


async def test_a_bug_says_nothing(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with a number that the log explains, and not a word more."""

    def broken(*_: object) -> None:
        raise RuntimeError("/srv/secret/path")

    monkeypatch.setattr("bitcache.listings.get", broken)
    got = await harness.call("GET", "/files/" + "A" * 22)
    assert (got.status, got.json["code"], len(got.json["incident"])) == (500, "unexpected", 12)
    assert b"secret" not in got.body


async def test_another_master_key(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that the master key does not open is the operator's trouble, and no word to the buyer about keys."""
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    await harness.pay(purchase)
    monkeypatch.setattr(harness.context.master_key, "_aead", MasterKey(bytes(32))._aead)
    got = await harness.call("GET", "/share", claim)
    assert (got.status, got.json["code"]) == (503, "storage")
