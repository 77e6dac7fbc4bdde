"""Two processes on one database: what one commits, the other shows at once, and its open pages are told."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness
from sales import file_for_sale
from support.answers import address_in

from bitcache.money import Sat
from gateway.config.data_folder import DataFolder

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "support" / "second_process.py"


class SecondProcess:
    """What it is asked, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, command: str) -> str:
        """One line, and its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await self.hear()

    async def hear(self) -> str:
        """The next answer."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 20)
        assert line, "the second process ended"
        return line.decode().strip()


@pytest.fixture
async def second(harness: GatewayHarness) -> AsyncIterator[SecondProcess]:
    database = DataFolder(harness.context.settings.storage.directory).database
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        str(database),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    yield SecondProcess(process)
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 20) == 0


async def step(harness: GatewayHarness, purchase: dict[str, Any], amount: int) -> None:
    """Pay so much, or (0) find a block; and let the gateway see it."""
    if amount:
        await harness.chain.pay(address_in(purchase), Sat(amount))
    else:
        await harness.chain.mine()
    await harness.context.watcher.sync()  # type: ignore[attr-defined]


async def test_the_other_process_is_never_stale(harness: GatewayHarness, second: SecondProcess) -> None:
    """After each step of a sale, what the other process had kept is what this one says."""
    sold = await harness.sell(file_for_sale())
    purchase = (await harness.begin(sold.file_id))[1]
    states = []
    for amount in (None, 1_000, 1_500, 0):
        if amount is not None:
            await step(harness, purchase, amount)
        there = json.loads(await second.ask(f"look {purchase['purchase_id']}"))
        assert there == (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json
        states.append((there["state"], there["received_sat"]))
    assert states == [("new", 0), ("new", 1_000), ("processing", 2_500), ("settled", 2_500)]


async def test_a_payment_that_replaces_an_equal_one_is_news(harness: GatewayHarness, second: SecondProcess) -> None:
    """No sum changes; the transaction does."""
    sold = await harness.sell(file_for_sale())
    purchase = (await harness.begin(sold.file_id))[1]
    look = f"look {purchase['purchase_id']}"
    await step(harness, purchase, 1_000)
    [first] = json.loads(await second.ask(look))["payments"]
    await harness.chain.replace(first["reference"])
    await step(harness, purchase, 1_000)
    [now] = json.loads(await second.ask(look))["payments"]
    assert now != first


async def test_its_open_pages_are_told(harness: GatewayHarness, second: SecondProcess) -> None:
    sold = await harness.sell(file_for_sale())
    purchase = (await harness.begin(sold.file_id))[1]
    assert await second.ask(f"wait {purchase['purchase_id']}") == "listening"
    await step(harness, purchase, purchase["amount_sat"])
    assert await second.hear() == "changed"
    assert json.loads(await second.ask(f"look {purchase['purchase_id']}"))["received_sat"] == purchase["amount_sat"]
