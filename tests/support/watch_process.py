"""A watcher in a process of its own, to be killed: ``python watch_process.py DATABASE URL COOKIE``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bitcache.storage.database import Store
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.node_rpc import NodeRpc
from wallet.watcher import Watcher


async def main(database: str, url: str, cookie: str) -> None:
    """Watch for ever."""
    store = await Store.open(Path(database))
    source = BitcoindSource(NodeRpc(url, cookie=Path(cookie)), "regtest")
    await source.open()
    scripts: set[bytes] = set()
    await Watcher(store, source, scripts).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
