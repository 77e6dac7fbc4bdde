"""The buyer's own Lightning wallet, from what they copied out of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wallet.lightning.nwc.connection_string import parse
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_payer import NwcPayer


@asynccontextmanager
async def paying_wallet(connection: str) -> AsyncIterator[NwcPayer]:
    """Yield the wallet; raise ConnectionRefused, which never quotes the connection.

    Its relays may be on the buyer's own machine: nobody else names them.
    """
    nwc = NwcConnection(parse(connection, private=True), _now, private=True)
    try:
        yield NwcPayer(nwc, _now)
    finally:
        await nwc.close()


def _now() -> int:
    return int(time.time())
