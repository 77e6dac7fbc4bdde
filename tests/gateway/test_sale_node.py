"""The same sale on a real node (regtest), and with the node gone for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from gateway_harness import Client, settings_in
from sales import file_for_sale
from support.accounts import fresh_account
from support.answers import address_in
from support.eventually import eventually

from bitcache.money import Sat
from gateway.compose import check_payout, init_data_folder, running
from gateway.server.app import listening
from wallet.chain.regtest_node import RegtestNode

pytestmark = pytest.mark.node


async def test_sale_while_the_node_is_away(tmp_path: Path, own_regtest: RegtestNode) -> None:
    """An invoice made while the node is down is paid after it is back, and released."""
    settings = settings_in(tmp_path, chain={"source": "bitcoind"})
    token = await init_data_folder(settings, terms=await check_payout(settings, fresh_account().text))
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(running(settings, demo_wallet=own_regtest))
        url = await stack.enter_async_context(listening(context))
        client = Client(url, token, await stack.enter_async_context(aiohttp.ClientSession()))

        async def health() -> int:
            return (await client.call("GET", "/healthz")).status

        async def released() -> bool:
            return (await client.call("GET", "/share", claim)).status == 200

        await eventually(lambda: is_now(health, 200))
        sold = await client.sell(file_for_sale())
        await asyncio.to_thread(own_regtest.kill)
        await eventually(lambda: is_now(health, 503))
        claim, purchase = await client.begin(sold.file_id)
        await own_regtest.restart()
        await own_regtest.pay(address_in(purchase), Sat(purchase["amount_sat"]))
        await own_regtest.mine()
        await eventually(released)
        await eventually(lambda: is_now(health, 200))


async def is_now(ask: Callable[[], Awaitable[int]], wanted: int) -> bool:
    """Whether the answer is the wanted one."""
    return await ask() == wanted
