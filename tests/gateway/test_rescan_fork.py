"""A rescan finds by itself where the ledger's blocks left the chain: nothing above that is called equal unread."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gateway_harness import Client, settings_in
from sales import file_for_sale
from sqlalchemy import select
from support.accounts import fresh_account
from support.answers import address_in
from support.eventually import eventually

from bitcache.chain_errors import NodeWrongNetwork
from bitcache.chain_types import BlockRef
from bitcache.money import Sat
from bitcache.rescan import Report
from bitcache.storage.database import Store
from bitcache.storage.tables import block, grant
from gateway.compose import check_payout, init_data_folder, rescan_payments, running
from gateway.config.data_folder import DataFolder
from gateway.config.settings import Settings
from gateway.server.app import listening
from wallet.chain.regtest_node import RegtestNode

pytestmark = pytest.mark.node


async def test_a_reorganisation_far_below_the_given_height(tmp_path: Path, own_regtest: RegtestNode) -> None:
    """Three sales, every payment double-spent from the first one's block on: three losses, whatever height is given."""
    settings = settings_in(tmp_path, chain={"source": "bitcoind"})
    token = await init_data_folder(settings, terms=await check_payout(settings, fresh_account().text))
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(running(settings, demo_wallet=own_regtest))
        url = await stack.enter_async_context(listening(context))
        client = Client(url, token, await stack.enter_async_context(aiohttp.ClientSession()))
        file = await client.sell(file_for_sale())
        sales = []
        for blocks in (30, 60, 50):
            sales.append(await sold(client, own_regtest, file.file_id))
            await own_regtest.mine(blocks)
        await eventually(lambda: is_at_the_tip(client), 30)
    first = sales[0]["height"]
    tip = await own_regtest.rpc("getblockcount")
    await own_regtest.reorg(tip - first + 1, keep=False)
    hint = await refusal(settings, own_regtest)
    assert "rescan" in hint
    late = tip - 5
    report = await rescan_payments(settings, late, apply=True, progress=nothing, demo_wallet=own_regtest)
    assert report.start == first
    assert states(report) == [("settled, released", "invalid, released")] * 3
    await expect_equal(settings, own_regtest, losses=3)
    again = await rescan_payments(settings, late, apply=False, progress=nothing, demo_wallet=own_regtest)
    assert (again.start, again.differences) == (late, [])


async def test_blocks_of_a_dead_chain_below_the_given_height(tmp_path: Path, own_regtest: RegtestNode) -> None:
    """What an earlier rescan left in the middle of the ledger is found too: all stored blocks are compared."""
    settings = settings_in(tmp_path, chain={"source": "bitcoind"})
    token = await init_data_folder(settings, terms=await check_payout(settings, fresh_account().text))
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(running(settings, demo_wallet=own_regtest))
        url = await stack.enter_async_context(listening(context))
        client = Client(url, token, await stack.enter_async_context(aiohttp.ClientSession()))
        file = await client.sell(file_for_sale())
        sale = await sold(client, own_regtest, file.file_id)
        await own_regtest.mine(20)
        await eventually(lambda: is_at_the_tip(client), 30)
        height, dead = sale["height"], "ab" * 32
        await context.store.write(
            lambda conn: conn.execute(block.update().where(block.c.height == height).values(hash=dead))
        )
    report = await rescan_payments(settings, height + 10, apply=False, progress=nothing, demo_wallet=own_regtest)
    assert report.start == height


async def sold(client: Client, node: RegtestNode, file_id: str) -> dict[str, Any]:
    """A purchase, paid and released; with the height of its payment's block."""
    claim, purchase = await client.begin(file_id)
    await node.pay(address_in(purchase), Sat(purchase["amount_sat"]))
    await node.mine()
    height = await node.rpc("getblockcount")

    async def released() -> bool:
        return (await client.call("GET", "/share", claim)).status == 200

    await eventually(released)
    return purchase | {"height": height}


async def is_at_the_tip(client: Client) -> bool:
    """Whether the gateway has read every block."""
    node = (await client.call("GET", "/healthz")).json["node"]
    return bool(node["watched_height"] == node["height"])


async def refusal(settings: Settings, node: RegtestNode) -> str:
    """What the gateway says to do about a chain that left the ledger so far down."""
    async with running(settings, demo_wallet=node) as context:

        async def refused() -> bool:
            return isinstance(context.watcher.status.error, NodeWrongNetwork)

        await eventually(refused)
        error = context.watcher.status.error
        assert error is not None
        return error.advice


async def expect_equal(settings: Settings, node: RegtestNode, losses: int) -> None:
    """Every block of the ledger is on the chain, and so many sales are lost."""
    store = await Store.open(DataFolder(settings.storage.directory).database)
    try:
        rows = await store.read(lambda conn: conn.execute(select(block)).all())
        lost = await store.read(lambda conn: conn.execute(select(grant).where(grant.c.lost_at > 0)).all())
    finally:
        await store.close()
    for row in rows:
        assert BlockRef(row.height, await node.rpc("getblockhash", row.height)) == BlockRef(row.height, row.hash)
    assert len(lost) == losses


def states(report: Report) -> list[tuple[str, str]]:
    """What became of invoices."""
    return [(difference.was, difference.becomes) for difference in report.differences if difference.kind == "state"]


def nothing(done: int, total: int) -> None:
    """No progress is shown."""
