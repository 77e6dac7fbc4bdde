"""The hub: whatever the database does, news goes on."""

from __future__ import annotations

import asyncio

import pytest
from support.shop import open_shop

from bitcache import outbox
from bitcache.errors import DatabaseBusy
from bitcache.identifiers import TransferId
from bitcache.storage.store import Store
from gateway import hub as hub_module
from gateway.hub import Hub
from gateway.visitor_limits import VisitorLimits


@pytest.mark.parametrize("failure", [DatabaseBusy("held"), ZeroDivisionError()], ids=["busy", "a bug"])
async def test_a_failure_ends_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """Open pages are told as soon as it works again."""
    monkeypatch.setattr(hub_module, "IDLE_SECONDS", 0.01)
    transfer_id = await (await open_shop(store)).invoice(b"script", "address", 1_000)
    await store.write(lambda conn: outbox.add(conn, [transfer_id], "transfer", 0))
    pending, asked = outbox.pending, asyncio.Event()

    def fail(_: object) -> list[outbox.Event]:
        asked.set()
        raise failure

    monkeypatch.setattr(outbox, "pending", fail)
    hub = Hub(store, 16, VisitorLimits(16, 100))
    pump = asyncio.create_task(hub.pump())
    with hub.listening(TransferId(transfer_id), "192.0.2.1") as changed:
        await asked.wait()
        assert not changed.is_set()
        monkeypatch.setattr(outbox, "pending", pending)
        async with asyncio.timeout(5):
            await changed.wait()
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)
