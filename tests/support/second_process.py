"""Another process on a database: it keeps purchases as JSON, listens to events, and answers what it is asked.

    python second_process.py DATABASE        on standard input: ``look ID`` or ``wait ID``, a line each

``look`` is answered with the purchase as JSON, ``wait`` with ``listening``, and with ``changed`` once it has changed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bitcache.identifiers import PurchaseId
from bitcache.rails import Rails
from bitcache.storage.database import Store
from gateway.api.purchase_views import encode
from gateway.live.hub import Hub
from gateway.live.purchase_cache import PurchaseCache
from gateway.visitor_limits import VisitorLimits
from wallet.rails.onchain import OnChainRail


async def answer(database: Path) -> None:
    """Until standard input ends."""
    store = await Store.open(database)
    hub = Hub(store, 9, VisitorLimits(9, 9))
    cache = PurchaseCache(store, Rails(OnChainRail("regtest", set())), encode)
    pump = asyncio.create_task(hub.pump())
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, purchase_id = line.split()
        if command == "look":
            print((await cache.of(PurchaseId(purchase_id))).decode(), flush=True)
            continue
        with hub.listening(PurchaseId(purchase_id), "127.0.0.1") as changed:
            print("listening", flush=True)
            await changed.wait()
        print("changed", flush=True)
    pump.cancel()
    await asyncio.gather(pump, return_exceptions=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(answer(Path(sys.argv[1])))
