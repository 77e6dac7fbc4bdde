"""Solving the proof of work that a gateway asks for while many unpaid invoices are open."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

from bitcache.errors import WorkRequired
from bitcache.proof_of_work import solve

#: How long solving runs before the buyer is notified.
QUIET_SECONDS = 1.0


async def work(asked: WorkRequired, note: Callable[[str], None]) -> dict[str, Any]:
    """Return what to send with the request; raise WorkTooHard, InvalidIdentifier.

    ``note`` is told if it takes a while.
    """
    challenge, bits = asked.details["challenge"], asked.details["bits"]
    stop = threading.Event()
    loop, until = asyncio.get_running_loop(), time.monotonic() + QUIET_SECONDS

    def tell(_: float) -> bool:
        nonlocal until
        if time.monotonic() > until:
            until = float("inf")
            loop.call_soon_threadsafe(note, "many people are buying: this computer solves a small problem first")
        return not stop.is_set()

    try:
        nonce = await asyncio.to_thread(solve, challenge, bits, tell)
    finally:
        stop.set()
    return {"challenge": challenge, "nonce": nonce}
