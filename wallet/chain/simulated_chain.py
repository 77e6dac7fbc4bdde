"""A chain in memory: for demonstrations on machines without a node, and for fast tests.

It is a real implementation of the port, held to the same contract tests as a node, and of
:class:`~wallet.chain.chain_source.DemoWallet`.  It can be told to reorganise, replace and drop.  Coins come from
nowhere.  Given a ``path`` it survives a restart; without, every block after the genesis is new.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bdkpython import Address, AddressParseError

from bitcache.chain_errors import NodeRefused
from bitcache.chain_types import Absent, BlockRef, Payment
from bitcache.money import MAX_MONEY, Sat
from wallet.chain.chain_source import COINBASE_MATURITY, Back, ChainStatus, Forward, Scripts, Step
from wallet.networks import facts

GENESIS = BlockRef(0, hashlib.sha256(b"bitcache simulated genesis").hexdigest())


@dataclass(frozen=True, slots=True)
class SimulatedTransaction:
    """One output from nowhere."""

    txid: str
    script: bytes
    amount: int
    coinbase: bool = False

    def payment(self) -> Payment:
        """Return the transaction as the ledger wants it."""
        return Payment(f"{self.txid}:0", self.script, Sat(self.amount), COINBASE_MATURITY if self.coinbase else 0)


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """A block and what is in it."""

    ref: BlockRef
    transactions: tuple[SimulatedTransaction, ...] = field(default=())


class SimulatedChain:
    """A chain source that does as it is told.  Its addresses are those of ``network``."""

    name = "simulated"
    sees_unconfirmed = True

    def __init__(self, network: str = "regtest", path: Path | None = None) -> None:
        self.network = network
        self._path = path
        #: what :meth:`fee_rate` says
        self.sat_per_kvb: int | None = None
        self._changed = asyncio.Event()
        self._blocks = [SimulatedBlock(GENESIS)]
        self._waiting: dict[str, SimulatedTransaction] = {}
        self._spent: set[str] = set()  # transactions whose coins something else spends
        self._unwanted: set[str] = set()  # and those that it will not take again

    # The port

    async def open(self) -> None:
        """Remember, if there is something to remember."""
        if self._path and self._path.exists():
            self._load(json.loads(self._path.read_text()))

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    async def status(self) -> ChainStatus:
        """Always well."""
        height = self._blocks[-1].ref.height
        return ChainStatus(True, self.network, height, height, synced=True, version=self.name)

    async def tip(self) -> BlockRef:
        """Return the newest block."""
        return self._blocks[-1].ref

    async def at(self, height: int) -> BlockRef:
        """Return the block at ``height``."""
        return self._blocks[height].ref

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        """Return what follows ``cursor``."""
        if cursor.height >= len(self._blocks) or self._blocks[cursor.height].ref != cursor:
            return Back()
        if cursor == self._blocks[-1].ref:
            return None
        block = self._blocks[cursor.height + 1]
        ours = [transaction.payment() for transaction in block.transactions if transaction.script in scripts]
        return Forward(block.ref, tuple(ours))

    async def unconfirmed(self, scripts: Scripts) -> list[Payment]:
        """Return everything of ours that waits for a block."""
        ours = [transaction for transaction in self._waiting.values() if transaction.script in scripts]
        return [
            replace(transaction.payment(), transactions=(json.dumps(_row(transaction)).encode(),))
            for transaction in ours
        ]

    async def offer(self, transactions: Sequence[bytes]) -> None:
        """Taken, unless it was told to drop or replace them."""
        for raw in transactions:
            transaction = _transaction(json.loads(raw))
            if transaction.txid not in self._spent | self._unwanted and transaction.txid not in self._in_blocks():
                self._waiting[transaction.txid] = transaction
                self.notify()

    async def conflicted(self, absent: Sequence[Absent]) -> set[str]:
        """Return those that were replaced, here or in a reorganisation."""
        return {transaction.txid for transaction in absent} & self._spent

    async def fee_rate(self) -> int | None:
        """Return what was set."""
        return self.sat_per_kvb

    async def wait(self, timeout: float) -> None:
        """Return at the next change, or after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()

    # What it can be told to do

    async def pay(self, address: str, amount: Sat) -> str:
        """Pay from nowhere to an address of this network; raise NodeRefused when it is none."""
        return self.send(self._script(address), amount)

    def send(self, script: bytes, amount: Sat) -> str:
        """Pay to a script; raise NodeRefused for more satoshis than there can be."""
        if not 0 <= amount <= MAX_MONEY:
            raise NodeRefused("there are no more than 21 million BTC")
        sent = SimulatedTransaction(secrets.token_hex(32), script, int(amount))
        self._waiting[sent.txid] = sent
        self.notify()
        return sent.txid

    async def mine(self, blocks: int = 1, address: str | None = None) -> None:
        """Find blocks: the first holds all that waits; each pays its reward to ``address``, if given."""
        for _ in range(blocks):
            reward = [_reward(self._script(address))] if address else []
            self._append([*reward, *self._waiting.values()])
            self._waiting.clear()
        self.notify()

    async def reorg(self, depth: int, *, keep: bool = True) -> None:
        """Replace the last ``depth`` blocks by ``depth + 1`` empty ones; what was in them waits again, if kept."""
        fork = max(1, len(self._blocks) - depth)
        gone = self._blocks[fork:]
        del self._blocks[fork:]
        undone = {
            transaction.txid: transaction
            for block in gone
            for transaction in block.transactions
            if not transaction.coinbase
        }
        if keep:
            self._waiting |= undone
        else:
            self._spent |= undone.keys()
        for _ in range(depth + 1):
            self._append([])
        self.notify()

    async def replace(self, txid: str) -> str:
        """Spend its coins elsewhere, at a higher fee: the payment is gone."""
        self._waiting.pop(txid)
        self._spent.add(txid)
        return self.send(secrets.token_bytes(22), Sat(1_000))

    async def drop(self, txid: str) -> None:
        """Forget what waits, as nodes do with cheap transactions, and take it no more."""
        self._waiting.pop(txid)
        self._unwanted.add(txid)
        self.notify()

    async def lose_mempool(self) -> None:
        """Forget what waits, as a node that crashed: nothing was spent otherwise."""
        self._waiting.clear()
        self.notify()

    def _in_blocks(self) -> set[str]:
        return {transaction.txid for block in self._blocks for transaction in block.transactions}

    def _append(self, transactions: list[SimulatedTransaction]) -> None:
        parent = self._blocks[-1].ref
        digest = hashlib.sha256(bytes.fromhex(parent.hash) + secrets.token_bytes(32)).hexdigest()
        self._blocks.append(SimulatedBlock(BlockRef(parent.height + 1, digest), tuple(transactions)))

    def _script(self, address: str) -> bytes:
        try:
            return Address(address, facts(self.network).bdk).script_pubkey().to_bytes()
        except AddressParseError as error:
            raise NodeRefused("this is no address of this network") from error

    def notify(self) -> None:
        self._changed.set()
        if self._path:
            _write(self._path, self._dump())

    def _dump(self) -> str:
        blocks = [[block.ref.hash, [_row(transaction) for transaction in block.transactions]] for block in self._blocks]
        return json.dumps({"blocks": blocks, "waiting": [_row(transaction) for transaction in self._waiting.values()]})

    def _load(self, state: dict[str, Any]) -> None:
        self._blocks = [
            SimulatedBlock(BlockRef(height, digest), tuple(_transaction(row) for row in rows))
            for height, (digest, rows) in enumerate(state["blocks"])
        ]
        self._waiting = {transaction.txid: transaction for transaction in map(_transaction, state["waiting"])}


Row = tuple[str, str, int, bool]


def _row(transaction: SimulatedTransaction) -> Row:
    return transaction.txid, transaction.script.hex(), transaction.amount, transaction.coinbase


def _transaction(row: Row) -> SimulatedTransaction:
    txid, script, amount, coinbase = row
    return SimulatedTransaction(txid, bytes.fromhex(script), amount, coinbase)


def _reward(script: bytes) -> SimulatedTransaction:
    return SimulatedTransaction(secrets.token_hex(32), script, 50 * 100_000_000, coinbase=True)


def _write(path: Path, text: str) -> None:
    """Write all of it or nothing."""
    whole = path.with_suffix(".new")
    whole.write_text(text)
    whole.replace(path)
