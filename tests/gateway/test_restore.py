"""An older database is put back under a running business: no address is given out twice, no payment is missed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from sales import goods
from shop import Shop, settings_in
from support.accounts import descriptor

from bitcache import highwater
from bitcache.money import Sat
from gateway.app import listening
from gateway.compose import check_payout, init_data_dir, running
from gateway.datadir import DataDir
from gateway.settings import Settings
from wallet.chain.simulated import SimulatedChain


@asynccontextmanager
async def started(settings: Settings, chain: SimulatedChain, token: str) -> AsyncIterator[Shop]:
    """The gateway on this data folder."""
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(running(settings, purse=chain))
        url = await stack.enter_async_context(listening(parts))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Shop(parts, chain, url, token, http)


def copied(source: Path, target: Path) -> None:
    """What ``sqlite3 .backup`` does."""
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)


async def test_backup_sell_more_restore(tmp_path: Path) -> None:
    """The old cursor is only further back: what was paid since the backup is found by scanning forward."""
    settings, chain = settings_in(tmp_path), SimulatedChain()
    folder = DataDir(settings.storage.directory)
    token = await init_data_dir(settings, "Ada", terms=await check_payout(settings, descriptor("wpkh")))
    async with started(settings, chain, token) as shop:
        sold = await shop.sell(goods())
        known = [(await shop.begin(sold.file_id))[1] for _ in range(3)]
        await shop.pay(known[0])
        await asyncio.to_thread(copied, folder.database, tmp_path / "backup")
        forgotten = [(await shop.begin(sold.file_id))[1] for _ in range(7)]
        await shop.pay(known[1])
        await shop.pay(forgotten[0])
    for name in ("", "-wal", "-shm"):
        folder.database.with_name(folder.database.name + name).unlink(missing_ok=True)
    await asyncio.to_thread(copied, tmp_path / "backup", folder.database)
    await chain.pay(known[2]["address"], Sat(known[2]["amount_sat"]))
    await chain.mine()
    async with started(settings, chain, token) as shop:
        for one in known:
            await shop.state(one, "settled")
        fresh = [(await shop.begin(sold.file_id))[1] for _ in range(4)]
        before = {one["address"] for one in known + forgotten}
        assert not before & {one["address"] for one in fresh}
        left_out = await shop.parts.store.read(highwater.all_skipped)
        assert [(one.first, one.end) for one in left_out] == [(3, 10)]
        await shop.pay(fresh[0])
