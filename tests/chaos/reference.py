"""What is true: the node's chain and mempool, summed by plain rules.

Written to be checked by reading.  It shares no code with the gateway: blocks come decoded from the node
(verbosity 2), scripts as hex, amounts as Decimal.  Beside it stands a wallet service, whose file is read line by line.
The rules are those of ``docs/protocol.md`` §6.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chaos.rpc import Refused, Rpc

COINBASE_MATURITY = 100


@dataclass(frozen=True, slots=True)
class Invoice:
    """What the buyer was shown.  ``script`` is the node's own reading of the address."""

    purchase_id: str
    claim: str
    file_id: str
    script: str
    address: str
    amount: int
    confirmations: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Paid:
    """An output in a block or (``height`` None) in the mempool."""

    reference: str
    script: str
    sat: int
    height: int | None
    block: str | None
    coinbase: bool
    absent: bool = False  #: in no block and not in the mempool, and nothing else spends its coins


@dataclass(frozen=True, slots=True)
class InWallet:
    """A payment in the wallet service that was not taken back."""

    reference: str
    sat: int
    final: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A block and all its outputs."""

    height: int
    hash: str
    parent: str
    outputs: tuple[Paid, ...]


@dataclass(frozen=True)
class Truth:
    """One look at the node, its active chain from the first block looked at and its mempool; and at the wallet.

    ``paid`` goes by script, ``in_wallet`` by purchase.
    """

    tip: Block
    paid: dict[str, list[Paid]]
    in_wallet: dict[str, list[InWallet]]

    def of(self, script: str) -> list[Paid]:
        """Every surviving payment to a script."""
        return self.paid.get(script, [])

    def received(self, invoice: Invoice) -> int:
        """Everything that survives."""
        return sum(payment.sat for payment in (*self.of(invoice.script), *self.in_wallet_of(invoice)))

    def in_wallet_of(self, invoice: Invoice) -> list[InWallet]:
        """Every payment to it in the wallet."""
        return self.in_wallet.get(invoice.purchase_id, [])

    def final_in_wallet(self, invoice: Invoice) -> int:
        """What cannot be taken back."""
        return sum(payment.sat for payment in self.in_wallet_of(invoice) if payment.final)

    def references(self, invoice: Invoice) -> list[str]:
        """Of every surviving payment."""
        return [payment.reference for payment in (*self.of(invoice.script), *self.in_wallet_of(invoice))]

    def confirmed(self, invoice: Invoice) -> int:
        """What is deep enough: what waits, too, where no confirmation is asked for; and what is final in the wallet."""
        return self.confirmed_on_chain(invoice) + self.final_in_wallet(invoice)

    def confirmed_on_chain(self, invoice: Invoice) -> int:
        """The chain's part of it."""
        return sum(payment.sat for payment in self.of(invoice.script) if self._final(payment, invoice))

    def state(self, invoice: Invoice, *, released: bool, known_until: int) -> str:
        """docs/protocol.md §6, given whether it was released and up to when the gateway knew what was paid."""
        if released:
            return "settled" if self.received(invoice) >= invoice.amount else "invalid"
        if self.confirmed(invoice) >= invoice.amount:
            return "settled"
        if self.received(invoice) >= invoice.amount:
            return "processing"
        return "expired" if known_until > invoice.expires_at else "new"

    def marks(self, invoice: Invoice) -> set[str]:
        """Those that depend on amounts and sight alone."""
        received = self.received(invoice)
        if any(payment.absent for payment in self.of(invoice.script)):
            return self._amount_marks(invoice, received) | {"not_in_mempool"}
        return self._amount_marks(invoice, received)

    @staticmethod
    def _amount_marks(invoice: Invoice, received: int) -> set[str]:
        partial = {"paid_partial"} if 0 < received < invoice.amount else set()
        return partial | ({"paid_over"} if received > invoice.amount else set())

    def in_blocks(self, invoice: Invoice) -> int:
        """What blocks hold, however deep, and what is final in the wallet."""
        held = sum(payment.sat for payment in self.of(invoice.script) if payment.height is not None)
        return held + self.final_in_wallet(invoice)

    def confirmations(self, invoice: Invoice) -> int:
        """Of the payment that completes the amount, deepest money first; at most as many as are asked for.

        What is final comes before all blocks, and what is not final after them.
        """
        gathered = self.final_in_wallet(invoice)
        if gathered >= invoice.amount:
            return invoice.confirmations
        for depth, sat in sorted(
            ((self._depth(payment), payment.sat) for payment in self.of(invoice.script)), reverse=True
        ):
            gathered += sat
            if gathered >= invoice.amount:
                return min(depth, invoice.confirmations)
        return 0

    def _depth(self, payment: Paid) -> int:
        return 0 if payment.height is None else self.tip.height - payment.height + 1

    def _final(self, payment: Paid, invoice: Invoice) -> bool:
        """Deep enough; an invoice that asks for no confirmation takes what waits."""
        if payment.absent:
            return False
        return self._depth(payment) >= max(invoice.confirmations, COINBASE_MATURITY if payment.coinbase else 0)


def with_absent(truth: Truth, absent: list[Paid]) -> Truth:
    """The same, with payments that were received and are out of sight (docs/protocol.md §6)."""
    paid = {script: list(payments) for script, payments in truth.paid.items()}
    for payment in absent:
        paid.setdefault(payment.script, []).append(payment)
    return Truth(truth.tip, paid, truth.in_wallet)


class Reference:
    """Reads the node; remembers decoded blocks by their hash, which cannot change."""

    def __init__(self, rpc: Rpc, start: int) -> None:
        self._rpc, self._start = rpc, start
        self._blocks: dict[str, Block] = {}
        self._mempool: dict[str, tuple[Paid, ...]] = {}

    def forget(self) -> None:
        """Read everything anew next time."""
        self._blocks.clear()
        self._mempool.clear()

    def look(self, scripts: set[str], in_wallet: dict[str, list[InWallet]]) -> Truth:
        """The truth about these scripts now; looked at again while the chain moves under it."""
        while True:
            best = self._rpc("getbestblockhash")
            waiting = self._waiting()
            chain = self._chain(best)
            if self._rpc("getbestblockhash") == best:
                break
        paid: dict[str, list[Paid]] = {}
        for outputs in (*(block.outputs for block in chain), waiting):
            for output in outputs:
                if output.script in scripts:
                    paid.setdefault(output.script, []).append(output)
        return Truth(self._blocks[best], paid, in_wallet)

    def _chain(self, best: str) -> list[Block]:
        """From the tip back to the first block that is looked at."""
        chain = [self._block(best)]
        while chain[-1].height > self._start:
            chain.append(self._block(chain[-1].parent))
        return chain

    def _block(self, digest: str) -> Block:
        if digest not in self._blocks:
            block = self._rpc("getblock", digest, 2)
            height = block["height"]
            outputs = tuple(
                output
                for number, tx in enumerate(block["tx"])
                for output in _outputs(tx, height, digest, coinbase=number == 0)
            )
            self._blocks[digest] = Block(height, digest, block.get("previousblockhash", ""), outputs)
        return self._blocks[digest]

    def _waiting(self) -> tuple[Paid, ...]:
        mempool: dict[str, tuple[Paid, ...]] = {}
        for txid in self._rpc("getrawmempool"):
            if txid in self._mempool:
                mempool[txid] = self._mempool[txid]
                continue
            try:
                tx = self._rpc("getrawtransaction", txid, True)
            except Refused:  # it left the mempool meanwhile
                continue
            mempool[txid] = tuple(_outputs(tx, None, None, coinbase=False))
        self._mempool = mempool
        return tuple(output for outputs in mempool.values() for output in outputs)


def _outputs(tx: dict[str, Any], height: int | None, digest: str | None, *, coinbase: bool) -> list[Paid]:
    return [
        Paid(
            f"{tx['txid']}:{output['n']}",
            output["scriptPubKey"]["hex"],
            satoshis(output["value"]),
            height,
            digest,
            coinbase,
        )
        for output in tx["vout"]
    ]


def satoshis(value: Decimal | int) -> int:
    """Exactly."""
    sat = Decimal(value) * 100_000_000
    assert sat == int(sat), f"{value} BTC is no whole number of satoshis"
    return int(sat)
