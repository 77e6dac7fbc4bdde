"""The node: its life, its blocks, its reorganisations.  Only the program's life comes from Bitcache's own code."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

from chaos.coins import SCRIPT, Coin, Output, Transaction, spend
from chaos.rpc import NodeDown, Refused, Rpc
from wallet.chain.bitcoind_executable import find_bitcoind
from wallet.chain.regtest_node import RegtestNode

#: Last on the command line, so they win over RegtestNode's own.
OPTIONS = (
    "-blockfilterindex=0",
    "-peerblockfilters=0",
    "-disablewallet",
    "-acceptnonstdtxn=1",
    "-mempoolfullrbf=1",
    "-limitancestorcount=200",
    "-limitdescendantcount=200",
)
MATURE = 140
#: Blocks after the coins were made: no reorganisation reaches them.
DEEP = 24
COIN_SAT = 300_000
COINS_PER_SPLIT = 1_500
START_SECONDS = 60


class ChaosNode:
    """A private node with coins that anyone may spend."""

    def __init__(self, folder: Path, coins: int) -> None:
        self.process = RegtestNode(folder, find_bitcoind())
        self.rpc = Rpc(int(self.process.url.rpartition(":")[2]), self.process.cookie)
        self.zmq_port = int(self.process.zmq_address.rpartition(":")[2])
        self.start()
        self._blocks = itertools.count(1)
        self.rpc("generatetoaddress", MATURE, self.rpc("decodescript", SCRIPT.hex())["address"])
        self.coins = self._split(coins)
        self.mine(DEEP)

    # Life

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.process.launch(*OPTIONS)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.rpc("getblockcount")
            except (NodeDown, Refused):
                assert time.monotonic() < deadline, "the node does not start"
                time.sleep(0.03)
            else:
                return

    def stop(self) -> None:
        """Let it end in order; it remembers its mempool."""
        asyncio.run(self.process.stop())
        self.rpc.forget()

    def kill(self) -> None:
        """SIGKILL: the mempool is lost, and every block since the last flush."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.stop()

    def flush(self) -> None:
        """Have it write its chain to the disk."""
        self.rpc("gettxoutsetinfo", "none")

    # Blocks

    def mine(self, blocks: int = 1, address: str | None = None) -> None:
        """Blocks with whatever the mempool holds."""
        if address:
            self.rpc("generatetoaddress", blocks, address)
        else:
            self.rpc("generatetodescriptor", blocks, self._nowhere())

    def mine_these(self, transactions: list[str]) -> None:
        """A block with exactly these (ids or raw transactions); raises Refused when they do not fit together."""
        self.rpc("generateblock", self._nowhere(), transactions)

    @property
    def height(self) -> int:
        """Of the tip."""
        return int(self.rpc("getblockcount"))

    def undo(self, depth: int) -> tuple[str, list[str]]:
        """Take the newest blocks away; the lowest one's hash, and the raw transactions that were in them."""
        height = self.height
        digests = [self.rpc("getblockhash", height - back) for back in range(depth)]
        raw = [tx["hex"] for digest in reversed(digests) for tx in self.rpc("getblock", digest, 2)["tx"][1:]]
        self.rpc("invalidateblock", digests[-1])
        return digests[-1], raw

    def _nowhere(self) -> str:
        """Where a reward goes: never twice the same, else two blocks of one second would be one block."""
        return str(self.rpc("getdescriptorinfo", f"raw(6a08{next(self._blocks):016x})")["descriptor"])

    # Coins

    def unspent(self, coin: Coin) -> bool:
        """Whether it can be spent now, in the mempool's view."""
        return self.rpc("gettxout", coin.txid, coin.vout, True) is not None

    def take(self) -> Coin:
        """A coin that is free."""
        while not self.unspent(coin := self.coins.pop()):
            pass
        return coin

    def send(self, transaction: Transaction | str) -> None:
        """To the mempool; raises Refused when it does not fit in."""
        raw = transaction if isinstance(transaction, str) else transaction.raw
        self.rpc("sendrawtransaction", raw, 0)

    def mempool(self) -> list[str]:
        """Ids, sorted, so that a choice among them can be repeated."""
        return sorted(self.rpc("getrawmempool"))

    def _split(self, count: int) -> list[Coin]:
        """Many small coins from the first rewards."""
        coins: list[Coin] = []
        height = 1
        while len(coins) < count:
            reward: dict[str, Any] = self.rpc("getblock", self.rpc("getblockhash", height), 2)["tx"][0]
            source = Coin(reward["txid"], 0, 50 * 100_000_000)
            outputs = [Output(SCRIPT, COIN_SAT)] * COINS_PER_SPLIT
            made = spend([source], outputs, 200_000)
            self.mine_these([made.raw])
            coins += [Coin(made.txid, number, COIN_SAT) for number in range(COINS_PER_SPLIT)]
            height += 1
        return coins
