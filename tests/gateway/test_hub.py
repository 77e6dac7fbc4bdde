"""The hub: whatever the database does, news goes on."""

from __future__ import annotations

import asyncio

import pytest
from support.invoice_harness import open_invoice_harness

from bitcache import event_log
from bitcache.errors import DatabaseBusy
from bitcache.event_log import EventKind
from bitcache.identifiers import PurchaseId
from bitcache.storage.database import Store
from gateway.live import hub as hub_module
from gateway.live.hub import Hub
from gateway.visitor_limits import VisitorLimits


@pytest.mark.parametrize("failure", [DatabaseBusy("held"), ZeroDivisionError()], ids=["busy", "a bug"])
async def test_a_failure_ends_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    """Open pages are told as soon as it works again."""
    monkeypatch.setattr(hub_module, "INTERVAL_SECONDS", 0.01)
    purchase_id = await (await open_invoice_harness(store)).invoice(b"script", "address", 1_000)
    await store.write(lambda conn: event_log.add(conn, [(EventKind.PURCHASE_SEEN, purchase_id)], 0))
    after, asked = event_log.after, asyncio.Event()

    def fail(*_: object, **rest: object) -> list[event_log.Event]:
        asked.set()
        raise failure

    monkeypatch.setattr(event_log, "after", fail)
    hub = Hub(store, 16, VisitorLimits(16, 100))
    pump = asyncio.create_task(hub.pump())
    with hub.listening(PurchaseId(purchase_id), "192.0.2.1") as changed:
        await asyncio.wait_for(asked.wait(), 5)
        assert not changed.is_set()
        monkeypatch.setattr(event_log, "after", after)
        async with asyncio.timeout(5):
            await changed.wait()
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)
