"""Cheap block chains for peers on loopback: blocks that pay what a test wants, with their compact filters."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from siphashc import siphash

from wallet.chain.light.consensus import ConsensusRules
from wallet.chain.light.difficulty import required_bits, target_of
from wallet.chain.regtest_node import RegtestNode

Payment = tuple[int, bytes]  #: satoshis, output script


@dataclass(frozen=True, slots=True)
class PeerBlock:
    """A block as peers serve it."""

    height: int
    raw: bytes
    filter: bytes
    filter_header: bytes  #: commits to this filter and all before it (BIP157)

    @property
    def header(self) -> bytes:
        """The first 80 bytes."""
        return self.raw[:80]

    @property
    def digest(self) -> bytes:
        """Its hash as on the wire."""
        return double_sha256(self.raw[:80])

    @property
    def parent(self) -> bytes:
        """The hash of the block before it, as on the wire."""
        return self.raw[4:36]


class PeerChain:
    """Blocks above the base of ``rules``, which need not be true."""

    def __init__(self, rules: ConsensusRules, blocks: Sequence[PeerBlock] = ()) -> None:
        self.rules = rules
        self.blocks = list(blocks)

    @classmethod
    async def of_node(cls, rules: ConsensusRules, node: RegtestNode) -> PeerChain:
        """The chain that a real node has."""
        chain = cls(rules)
        await chain.follow(node)
        return chain

    async def follow(self, node: RegtestNode) -> None:
        """Become the chain that a real node has; what the two have in common is not read again."""
        newest = await node.rpc("getblockcount")
        while self.blocks and (
            self.height > newest or await node.rpc("getblockhash", self.height) != self.tip[::-1].hex()
        ):
            self.blocks.pop()
        for height in range(self.height + 1, newest + 1):
            digest = await node.rpc("getblockhash", height)
            raw = bytes.fromhex(await node.rpc("getblock", digest, 0))
            fields = await node.rpc("getblockfilter", digest)
            header = bytes.fromhex(fields["header"])[::-1]
            self.blocks.append(PeerBlock(height, raw, bytes.fromhex(fields["filter"]), header))

    @property
    def height(self) -> int:
        """Of the newest block."""
        return self.rules.base.height + len(self.blocks)

    @property
    def tip(self) -> bytes:
        """The newest block's hash as on the wire."""
        return self.blocks[-1].digest if self.blocks else bytes.fromhex(self.rules.base.hash)[::-1]

    @property
    def filter_header(self) -> bytes:
        """Of the newest block."""
        return self.blocks[-1].filter_header if self.blocks else bytes(32)

    def fork(self, height: int | None = None) -> PeerChain:
        """Another chain, the same up to ``height``, or up to here."""
        keep = None if height is None else height - self.rules.base.height
        return PeerChain(self.rules, self.blocks[:keep])

    def at(self, height: int) -> PeerBlock:
        """The block at ``height``."""
        return self.blocks[height - self.rules.base.height - 1]

    def find(self, digest: bytes) -> PeerBlock | None:
        """A block by its hash."""
        return next((block for block in reversed(self.blocks) if block.digest == digest), None)

    def time_and_bits(self, height: int) -> tuple[int, int]:
        """Of the block at ``height``."""
        if height == self.rules.base.height:
            return self.rules.base.time, self.rules.base.bits
        fields: tuple[int, int] = struct.unpack_from("<II", self.at(height).raw, 68)
        return fields

    def mine(
        self,
        payments: Sequence[Payment] = (),
        *,
        when: int | None = None,
        bits: int | None = None,
        hidden: Sequence[bytes] = (),
        lazy: bool = False,
    ) -> PeerBlock:
        """Add a block.  ``hidden`` scripts are left out of its filter; a ``lazy`` one has no work."""
        time = self.time_and_bits(self.height)[0] + 600 if when is None else when
        right = required_bits(self.rules, self.height + 1, time, self.time_and_bits)
        block = self._build(payments, time, right if bits is None else bits, hidden, lazy)
        self.blocks.append(block)
        return block

    def mine_until(self, now: int, spacing: int = 600) -> None:
        """Add empty blocks until the newest is ``now``."""
        while (time := self.time_and_bits(self.height)[0] + spacing) <= now:
            self.mine(when=time)

    def _build(
        self, payments: Sequence[Payment], time: int, bits: int, hidden: Sequence[bytes], lazy: bool
    ) -> PeerBlock:
        reward = transaction([(bytes(32), 0xFFFFFFFF, b"\x08" + os.urandom(8))], [(50, b"\x51")])
        paid = [transaction([(os.urandom(32), 0, b"")], [payment]) for payment in payments]
        transactions = [reward, *paid]
        root = merkle_root([double_sha256(raw) for raw in transactions])
        header = mined_header(self.tip, root, time, bits, lazy)
        scripts = {b"\x51", *(script for _, script in payments)} - set(hidden)
        content = golomb_coded(double_sha256(header), scripts)
        raw = header + count(len(transactions)) + b"".join(transactions)
        return PeerBlock(self.height + 1, raw, content, double_sha256(double_sha256(content) + self.filter_header))


def mined_header(parent: bytes, root: bytes, time: int, bits: int, lazy: bool = False) -> bytes:
    """A header that meets its target, or with ``lazy`` one that does not."""
    start = struct.pack("<i32s32sII", 0x20000000, parent, root, time, bits)
    nonce = 0
    while (int.from_bytes(double_sha256(start + struct.pack("<I", nonce)), "little") <= target_of(bits)) == lazy:
        nonce += 1
    return start + struct.pack("<I", nonce)


def transaction(inputs: Iterable[tuple[bytes, int, bytes]], outputs: Iterable[Payment]) -> bytes:
    """A raw transaction without witnesses."""
    spent = [digest + struct.pack("<I", n) + count(len(script)) + script + b"\xff" * 4 for digest, n, script in inputs]
    made = [struct.pack("<q", value) + count(len(script)) + script for value, script in outputs]
    return b"\x02\0\0\0" + count(len(spent)) + b"".join(spent) + count(len(made)) + b"".join(made) + bytes(4)


def golomb_coded(block: bytes, scripts: Iterable[bytes]) -> bytes:
    """The basic filter of a block (BIP158)."""
    items = set(scripts)
    values = sorted(siphash(block[:16], script) * len(items) * 784_931 >> 64 for script in items)
    bits, last = "", 0
    for value in values:
        quotient, remainder = divmod(value - last, 1 << 19)
        bits, last = bits + "1" * quotient + "0" + format(remainder, "019b"), value
    bits += "0" * (-len(bits) % 8)
    return count(len(items)) + (int(bits, 2).to_bytes(len(bits) // 8) if bits else b"")


def merkle_root(digests: list[bytes]) -> bytes:
    """Over transaction ids as on the wire."""
    while len(digests) > 1:
        digests += digests[-1:] * (len(digests) % 2)
        digests = [double_sha256(digests[n] + digests[n + 1]) for n in range(0, len(digests), 2)]
    return digests[0]


def count(number: int) -> bytes:
    """Bitcoin's variable-length integer."""
    if number < 0xFD:
        return bytes([number])
    return b"\xfd" + struct.pack("<H", number) if number < 0x10000 else b"\xfe" + struct.pack("<I", number)


def double_sha256(content: bytes) -> bytes:
    """Bitcoin's usual hash."""
    return hashlib.sha256(hashlib.sha256(content).digest()).digest()
