"""Random payments, blocks, reorganisations and SIGKILLs: at the end the ledger equals the chain.

The watcher runs on the light client, in a process of its own.  What it must find is read from the
node's RPC.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import update
from support import light_process
from support.accounts import fresh_account
from support.eventually import eventually
from support.shop import Shop, open_shop

from bitcache.ledger import BlockRef
from bitcache.money import Sat, sat_from_btc
from bitcache.storage.store import Store
from bitcache.storage.tables import payout
from wallet.chain.regtest import RegtestNode

pytestmark = [pytest.mark.node, pytest.mark.slow]
STEPS = int(os.environ.get("BITCACHE_CHAOS_STEPS", "50"))
ADDRESSES = 60


@dataclass
class Till:
    """A shop with invoices, and the process that watches for it."""

    shop: Shop
    node: RegtestNode
    command: list[str]
    scripts: dict[str, str]
    kills: int = -1
    process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """Wherever it is."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def start(self) -> None:
        """A new one."""
        self.kill()
        self.kills += 1
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(self.command, env=environment, stdout=subprocess.DEVNULL)

    async def caught_up(self) -> bool:
        """Whether the ledger stands at the node's newest block."""
        tip = BlockRef(await self.node.rpc("getblockcount"), await self.node.rpc("getbestblockhash"))
        return await self.shop.cursor() == tip

    async def on_chain(self, first: int) -> set[tuple[str, int, int]]:
        """Every output to us above block ``first``, by the node's own account."""
        found = set()
        for height in range(first + 1, await self.node.rpc("getblockcount") + 1):
            block = await self.node.rpc("getblock", await self.node.rpc("getblockhash", height), 2)
            for transaction in block["tx"]:
                for output in transaction["vout"]:
                    if output["scriptPubKey"]["hex"] in self.scripts:
                        reference = f"{transaction['txid']}:{output['n']}"
                        found.add((reference, int(sat_from_btc(output["value"])), height))
        return found


@pytest.fixture
async def till(store: Store, tmp_path: Path, own_regtest: RegtestNode) -> AsyncIterator[Till]:
    shop, account, peer = await open_shop(store), fresh_account(), "{}:{}".format(*own_regtest.p2p)
    await store.write(lambda conn: conn.execute(update(payout).values(account=account.text, next_index=ADDRESSES)))
    destinations = [account.derive(index) for index in range(ADDRESSES)]
    for script, address in destinations:
        await shop.invoice(script, address, 30_000)
    command = [sys.executable, light_process.__file__, str(tmp_path / "bitcache.sqlite"), str(tmp_path / "light"), peer]
    till = Till(shop, own_regtest, command, {script.hex(): address for script, address in destinations})
    yield till
    till.kill()


async def one_step(chaos: random.Random, till: Till) -> None:
    """Something happens."""
    node, addresses, what = till.node, list(till.scripts.values()), chaos.random()
    if what < 0.45:
        for address in chaos.sample(addresses, chaos.randint(1, 4)):
            await node.pay(address, Sat(10_000 * chaos.randint(1, 9)))
    elif what < 0.72:
        await node.mine(chaos.randint(1, 3), chaos.choice(addresses) if chaos.random() < 0.2 else None)
    elif what < 0.82:
        await node.reorg(chaos.randint(1, 6))
    elif what < 0.87:
        await till.caught_up() or await eventually(till.caught_up, 60)
    else:
        till.start()
    await asyncio.sleep(chaos.random() * 0.4)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_ledger_equals_the_chain(till: Till, seed: int) -> None:
    chaos = random.Random(seed)
    till.start()
    await till.node.mine(10)
    first = await till.node.rpc("getblockcount")
    await eventually(till.caught_up)
    for _ in range(STEPS):
        await one_step(chaos, till)
    await till.node.mine()
    await eventually(till.caught_up, 90)
    expected = await till.on_chain(first)
    assert expected
    assert await till.shop.confirmed() == expected
    assert till.kills >= 3
