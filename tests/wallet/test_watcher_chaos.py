"""Random payments, blocks, reorganisations and SIGKILLs: at the end the ledger equals the chain.

The watcher runs in a process of its own.  What it must find is read from the node with every
detail, by other code than the watcher's.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import watch_process
from support.accounts import fresh_destinations
from support.eventually import eventually
from support.invoice_harness import InvoiceHarness, open_invoice_harness

from bitcache.chain_errors import ChainError
from bitcache.chain_types import BlockRef
from bitcache.money import Sat, sat_from_btc, total
from bitcache.storage.database import Store
from wallet.chain.regtest_node import RegtestNode

pytestmark = [pytest.mark.node, pytest.mark.slow]
STEPS = int(os.environ.get("BITCACHE_CHAOS_STEPS", "60"))
Payments = set[tuple[str, int, int]]


class WatcherProcess:
    """Started, killed, started again."""

    def __init__(self, database: Path, node: RegtestNode) -> None:
        root = Path(__file__).parents[2]
        self._command = [sys.executable, watch_process.__file__, str(database), node.url, str(node.cookie)]
        self._environment = {**os.environ, "PYTHONPATH": str(root)}
        self.kills = -1
        self.start()

    def start(self) -> None:
        """A new one."""
        self.kills += 1
        self._process = subprocess.Popen(self._command, env=self._environment, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """Wherever it is."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def watcher(store: Store, tmp_path: Path, own_regtest: RegtestNode) -> Iterator[WatcherProcess]:
    process = WatcherProcess(tmp_path / "bitcache.sqlite", own_regtest)
    yield process
    process.kill()


async def payments_on_chain(node: RegtestNode, first: int, scripts: set[str]) -> Payments:
    """Every output to us above block ``first``, by the node's own account."""
    paid = set()
    for height in range(first + 1, await node.rpc("getblockcount") + 1):
        block = await node.rpc("getblock", await node.rpc("getblockhash", height), 2)
        for transaction in block["tx"]:
            for output in transaction["vout"]:
                if output["scriptPubKey"]["hex"] in scripts:
                    paid.add((f"{transaction['txid']}:{output['n']}", int(sat_from_btc(output["value"])), height))
    return paid


async def one_step(chaos: random.Random, node: RegtestNode, watcher: WatcherProcess, addresses: list[str]) -> None:
    """Something happens."""
    what = chaos.random()
    if what < 0.45:
        for address in chaos.sample(addresses, chaos.randint(1, 4)):
            await node.pay(address, Sat(10_000 * chaos.randint(1, 9)))
    elif what < 0.72:
        await node.mine(chaos.randint(1, 3), chaos.choice(addresses) if chaos.random() < 0.2 else None)
    elif what < 0.82:
        await node.reorg(chaos.randint(1, 5))
    elif what < 0.88:
        for txid in (await node.rpc("getrawmempool"))[:1]:
            await _replace(node, txid)
    else:
        watcher.kill()
        await asyncio.sleep(chaos.random() * 0.3)
        watcher.start()
    await asyncio.sleep(chaos.random() * 0.1)


async def _replace(node: RegtestNode, txid: str) -> None:
    """Not every transaction can be: its change may be spent already."""
    try:
        await node.replace(txid)
    except ChainError:
        return


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_ledger_equals_the_chain(
    store: Store, own_regtest: RegtestNode, watcher: WatcherProcess, seed: int
) -> None:
    invoice_harness, chaos, node = await open_invoice_harness(store), random.Random(seed), own_regtest
    destinations = fresh_destinations(60)
    owners = {script: await invoice_harness.invoice(script, address, 30_000) for script, address in destinations}
    watcher.kill()
    watcher.start()  # it loads the scripts
    first = await node.rpc("getblockcount")
    await eventually(invoice_harness.cursor)
    for _ in range(STEPS):
        await one_step(chaos, node, watcher, [address for _, address in destinations])
    await node.mine()
    await eventually(lambda: _caught_up(invoice_harness, node), 60)
    expected = await payments_on_chain(node, first, {script.hex() for script, _ in destinations})
    assert expected
    assert await invoice_harness.confirmed() == expected
    assert watcher.kills >= 3
    await _states_follow(invoice_harness, expected, list(owners.values()))


async def _caught_up(invoice_harness: InvoiceHarness, node: RegtestNode) -> bool:
    tip = BlockRef(await node.rpc("getblockcount"), await node.rpc("getbestblockhash"))
    return await invoice_harness.cursor() == tip


async def _states_follow(invoice_harness: InvoiceHarness, expected: Payments, purchase_ids: list[str]) -> None:
    """Whoever shows enough in blocks was released, once."""
    grants = await invoice_harness.grants()
    assert len(grants) == len(set(grants))
    rows = [await invoice_harness.look(purchase_id) for purchase_id in purchase_ids]
    released = [row for row in rows if row.purchase_id in grants]
    assert {row.purchase_id for row in rows if row.state in ("settled", "invalid")} == set(grants)
    assert sum(row.confirmed_sat for row in rows) <= total([Sat(amount) for _, amount, _ in expected])
    assert all(row.confirmed_sat < row.amount_sat for row in rows if row not in released)
