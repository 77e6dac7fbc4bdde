"""Full blocks on a private node: thousands of ordinary transactions, two inputs and two outputs each.

The coins are anyone's to spend, with as many witness bytes as a signature and a key would take: making a block
costs no signing, and it is as large as the real chain's.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

from wallet.chain.regtest_node import RegtestNode

TRANSACTIONS = 4_100  #: 3.9 of the 4 million weight units that a block may have
FAN_OUT = 2 * TRANSACTIONS

_SPEND = bytes.fromhex("6d51")  # OP_2DROP OP_TRUE: whatever the witness says
_SCRIPT = b"\x00\x20" + hashlib.sha256(_SPEND).digest()
_WITNESS = b"\x03\x47" + os.urandom(71) + b"\x21" + os.urandom(33) + bytes([len(_SPEND)]) + _SPEND


class Coin(NamedTuple):
    """An output that anyone may spend."""

    txid: bytes
    index: int
    value: int


class Payment(NamedTuple):
    """What a transaction pays beside its change."""

    script: bytes
    amount: int


class FullBlocks:
    """Makes them on ``node``, out of coins that it turns over."""

    def __init__(self, node: RegtestNode, coins: list[Coin]) -> None:
        self._node, self._coins = node, coins

    @classmethod
    async def on(cls, node: RegtestNode) -> FullBlocks:
        """With a mature reward, split into enough coins for every block."""
        address = (await node.rpc("decodescript", _SPEND.hex()))["segwit"]["address"]
        await node.mine(1, address)
        digest = await node.rpc("getbestblockhash")
        await node.mine(100)
        reward = (await node.rpc("getblock", digest, 2))["tx"][0]
        coin = Coin(bytes.fromhex(reward["txid"])[::-1], 0, int(reward["vout"][0]["value"] * 100_000_000))
        txid, raw = _transaction([coin], [Payment(_SCRIPT, coin.value // FAN_OUT)] * FAN_OUT)
        blocks = cls(node, [Coin(txid, index, coin.value // FAN_OUT) for index in range(FAN_OUT)])
        await blocks._find([raw])
        return blocks

    async def find(self, payments: Sequence[Payment] = (), transactions: int = TRANSACTIONS) -> str:
        """Find a block of so many transactions, of which the first make the payments; returns its hash."""
        return await self._find(self._spend(payments, transactions))

    async def prepare(self, payments: Sequence[Payment], transactions: int) -> str:
        """The same as hex, for ``submitblock``."""
        raws = [raw.hex() for raw in self._spend(payments, transactions)]
        made = await self._node.rpc("generateblock", await self._node.address(), raws, False)
        return str(made["hex"])

    def _spend(self, payments: Sequence[Payment], transactions: int) -> list[bytes]:
        used, self._coins = self._coins[: 2 * transactions], self._coins[2 * transactions :]
        raws = []
        for number in range(transactions):
            coins = used[2 * number : 2 * number + 2]
            paid = list(payments[number : number + 1])
            left = sum(coin.value for coin in coins) - sum(output.amount for output in paid)
            change = [Payment(_SCRIPT, left // 2), Payment(_SCRIPT, left - left // 2)]
            txid, raw = _transaction(coins, change + paid)
            self._coins += [Coin(txid, index, output.amount) for index, output in enumerate(change)]
            raws.append(raw)
        return raws

    async def _find(self, raws: list[bytes]) -> str:
        address = await self._node.address()
        made = await self._node.rpc("generateblock", address, [raw.hex() for raw in raws])
        return str(made["hash"])


def _transaction(coins: Sequence[Coin], outputs: Sequence[Payment]) -> tuple[bytes, bytes]:
    """Its id, as inputs name it, and itself."""
    inputs = _count(coins) + b"".join(
        coin.txid + struct.pack("<I", coin.index) + b"\x00\xff\xff\xff\xff" for coin in coins
    )
    paid = _count(outputs) + b"".join(
        struct.pack("<Q", output.amount) + bytes([len(output.script)]) + output.script for output in outputs
    )
    version, locktime = b"\x02\x00\x00\x00", bytes(4)
    txid = hashlib.sha256(hashlib.sha256(version + inputs + paid + locktime).digest()).digest()
    return txid, version + b"\x00\x01" + inputs + paid + _WITNESS * len(coins) + locktime


def _count(items: Sequence[object]) -> bytes:
    return bytes([len(items)]) if len(items) < 0xFD else b"\xfd" + struct.pack("<H", len(items))
