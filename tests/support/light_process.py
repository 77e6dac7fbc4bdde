"""A watcher on the light client in a process of its own, to be killed: ``light_process.py DATABASE FOLDER PEER…``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bitcache.storage.database import Store
from wallet.chain.light.light_source import LightSource
from wallet.watcher import Watcher


async def main(database: str, folder: str, *peers: str) -> None:
    """Watch for ever; two peers must agree."""
    store = await Store.open(Path(database))

    source = LightSource("regtest", Path(folder), peers=peers, connections=2)
    await source.open()
    scripts: set[bytes] = set()
    await Watcher(store, source, scripts).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
