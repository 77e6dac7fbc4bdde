"""Random payments, blocks, reorganisations, SIGKILLs and lies of one peer: at the end the ledger equals the chain.

The watcher runs on the light client, in a process of its own, with three peers: a real node, which has two addresses,
and one that lies.  What it must find is read from the node's RPC.
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
from support.invoice_harness import InvoiceHarness, open_invoice_harness
from support.lying_peer import LyingPeer
from support.ports import free_port

from bitcache.chain_types import BlockRef
from bitcache.money import Sat, sat_from_btc
from bitcache.storage.database import Store
from bitcache.storage.tables import payout
from wallet.chain.regtest_node import RegtestNode

pytestmark = [pytest.mark.node, pytest.mark.slow]
STEPS = int(os.environ.get("BITCACHE_CHAOS_STEPS", "50"))
ADDRESSES = 60
#: So many invoices that only the lying peer's forged blocks pay.
UNPAID = 12


@dataclass
class LightChaosHarness:
    """A listing with invoices, the process that watches for it, and its peers."""

    invoice_harness: InvoiceHarness
    node: RegtestNode
    liar: LyingPeer
    command: list[str]
    scripts: dict[str, str]
    unpaid: set[str]
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
        return await self.invoice_harness.cursor() == tip

    async def catch_up(self) -> None:
        """Give the true chain more work than every forged one; then the client must follow it."""
        if (missing := self.liar.forged_height + 1 - await self.node.rpc("getblockcount")) > 0:
            await self.node.mine(missing)
        await self.caught_up() or await eventually(self.caught_up, 60)

    async def assert_nothing_forged(self) -> None:
        """No forged payment was ever written down, and nothing released for one."""
        assert not self.unpaid & set(await self.invoice_harness.grants())
        for purchase_id in self.unpaid:
            invoice = await self.invoice_harness.look(purchase_id)
            assert (invoice.state, invoice.received_sat, invoice.seen_at) == ("new", 0, None)

    async def on_chain(self, first: int) -> set[tuple[str, int, int]]:
        """Every output to us above block ``first``, by the node's own account."""
        paid = set()
        for height in range(first + 1, await self.node.rpc("getblockcount") + 1):
            block = await self.node.rpc("getblock", await self.node.rpc("getblockhash", height), 2)
            for transaction in block["tx"]:
                for output in transaction["vout"]:
                    if output["scriptPubKey"]["hex"] in self.scripts:
                        reference = f"{transaction['txid']}:{output['n']}"
                        paid.add((reference, int(sat_from_btc(output["value"])), height))
        return paid


@pytest.fixture
async def harness(
    store: Store, tmp_path: Path, own_regtest: RegtestNode, seed: int
) -> AsyncIterator[LightChaosHarness]:
    invoice_harness, account, second = await open_invoice_harness(store), fresh_account(), free_port()
    await own_regtest.restart(f"-bind=127.0.0.1:{second}")
    await store.write(lambda conn: conn.execute(update(payout).values(account=account.text, next_index=ADDRESSES)))
    destinations = [account.derive(index) for index in range(ADDRESSES)]
    invoices = [await invoice_harness.invoice(script, address, 30_000) for script, address in destinations]
    liar = LyingPeer(own_regtest, random.Random(seed), [script for script, _ in destinations[:UNPAID]])
    await liar.start()
    peers = [liar.address, "{}:{}".format(*own_regtest.p2p), f"127.0.0.1:{second}"]
    command = [sys.executable, light_process.__file__, str(tmp_path / "bitcache.sqlite"), str(tmp_path / "light")]
    paid = {script.hex(): address for script, address in destinations[UNPAID:]}
    harness = LightChaosHarness(invoice_harness, own_regtest, liar, [*command, *peers], paid, set(invoices[:UNPAID]))
    yield harness
    harness.kill()
    await liar.stop()


async def one_step(chaos: random.Random, harness: LightChaosHarness) -> None:
    """Something happens."""
    node, addresses, what = harness.node, list(harness.scripts.values()), chaos.random()
    if what < 0.45:
        for address in chaos.sample(addresses, chaos.randint(1, 4)):
            await node.pay(address, Sat(10_000 * chaos.randint(1, 9)))
    elif what < 0.70:
        await node.mine(chaos.randint(1, 3), chaos.choice(addresses) if chaos.random() < 0.2 else None)
    elif what < 0.80:
        await node.reorg(chaos.randint(1, 6))
    elif what < 0.85:
        await harness.catch_up()
    else:
        harness.start()
    await asyncio.sleep(chaos.random() * 0.4)


async def one_lie(chaos: random.Random, harness: LightChaosHarness) -> None:
    """Told to a client that knows the chain, or to one that starts, behind it, and hears the liar first."""
    if chaos.random() < 0.5:
        await harness.liar.lie()
    else:
        harness.kill()
        await harness.node.pay(chaos.choice(list(harness.scripts.values())), Sat(40_000))
        await harness.node.mine(2)
        await harness.liar.lie()
        await harness.node.rpc("setnetworkactive", False)
        dialled = harness.liar.connections
        harness.start()
        await eventually(lambda: harness.liar.is_dialled_more_than(dialled), 60)
        await harness.node.rpc("setnetworkactive", True)
        await asyncio.sleep(1)  # after so long the client dials the node again
    await asyncio.sleep(chaos.random() * 0.6)
    await harness.assert_nothing_forged()
    if chaos.random() < 0.5:
        await harness.catch_up()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_ledger_equals_the_chain(harness: LightChaosHarness, seed: int) -> None:
    chaos = random.Random(seed)
    harness.start()
    await harness.node.mine(10)
    first = await harness.node.rpc("getblockcount")
    await eventually(harness.caught_up)
    lies = set(chaos.sample(range(STEPS), STEPS // 6))
    for number in range(STEPS):
        await (one_lie if number in lies else one_step)(chaos, harness)
    await harness.node.mine()
    await harness.catch_up()
    await harness.assert_nothing_forged()
    expected = await harness.on_chain(first)
    assert expected
    assert await harness.invoice_harness.confirmed() == expected
    assert await harness.invoice_harness.grants()
    assert harness.kills >= 3
    assert len(harness.liar.lies) == 5, "each kind of lie was told"
    assert harness.liar.asked["getheaders"] >= len(lies), "and heard"
