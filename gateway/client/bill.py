"""What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
purchase.  The payment URI is made here from what was checked, so that no other one is ever shown.

JavaScript's half: gateway/web/static/checkout/bill.js
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bitcache.money import DUST, btc_text
from gateway.api.models import Transfer
from gateway.client.errors import DishonestGateway
from gateway.client.goods import Goods

#: The smallest output that the network carries, by the shape of an address.
_LEAST = (
    (re.compile(r"(?:bc|tb|bcrt)1q[02-9ac-hj-np-z]{38}"), DUST["wpkh"]),
    (re.compile(r"(?:bc|tb|bcrt)1q[02-9ac-hj-np-z]{58}"), DUST["wsh"]),
    (re.compile(r"(?:bc|tb|bcrt)1p[02-9ac-hj-np-z]{58}"), DUST["tr"]),
    (re.compile(r"[32][1-9A-HJ-NP-Za-km-z]{25,34}"), DUST["sh(wpkh)"]),
    (re.compile(r"[1mn][1-9A-HJ-NP-Za-km-z]{25,34}"), DUST["pkh"]),
)
_YEAR_3000 = 32_503_680_000


@dataclass(frozen=True, slots=True)
class Bill:
    """What every answer about one purchase must say; ``transfer_id`` and ``address`` once they are known."""

    file_id: str
    price_sat: int
    transfer_id: str | None = None
    address: str | None = None

    @classmethod
    def of(cls, goods: Goods, transfer_id: str | None = None, address: str | None = None) -> Bill:
        """The bill for these goods."""
        return cls(goods.link.file_id, goods.manifest.price_sat, transfer_id, address)

    def fixed(self, transfer: Transfer) -> Bill:
        """From the first answer on: it raises as :meth:`check` does, and later ones must not differ."""
        self.check(transfer)
        return replace(self, transfer_id=transfer.transfer_id, address=transfer.address)

    def check(self, transfer: Transfer) -> None:
        """Raise DishonestGateway unless the gateway asks for what it may ask for, and for nothing else."""
        same = (self.transfer_id in (None, transfer.transfer_id), self.address in (None, transfer.address))
        facts = (
            (transfer.file_id == self.file_id, "the invoice is for another file"),
            (same[0], "the gateway answered with another invoice"),
            (same[1] and _least(transfer.address) is not None, "the gateway asks for a payment to another address"),
            (transfer.amount_sat == self.price_sat, "the invoice is not for the signed price"),
            (transfer.due_sat == max(0, transfer.amount_sat - transfer.received_sat), "what is due does not add up"),
            (transfer.uri == payment_uri(transfer), "the payment URI asks for something else than the invoice"),
            (transfer.expires_at < _YEAR_3000, "the invoice has no end"),
        )
        for holds, otherwise in facts:
            if not holds:
                raise DishonestGateway(otherwise)


def is_paid(transfer: Transfer) -> bool:
    """Whether enough was paid, whatever may become of it."""
    return transfer.released or (transfer.state in ("processing", "settled", "invalid") and not transfer.due_sat)


def asked_sat(transfer: Transfer) -> int:
    """What is due, raised to what the network carries at that address."""
    return max(transfer.due_sat, _least(transfer.address) or 0) if transfer.due_sat else 0


def payment_uri(transfer: Transfer) -> str:
    """BIP21, as the gateway's own (wallet/bip21.py)."""
    asked = asked_sat(transfer)
    return f"bitcoin:{transfer.address}?amount={btc_text(asked)}" if asked else f"bitcoin:{transfer.address}"


def _least(address: str) -> int | None:
    return next((least for shape, least in _LEAST if shape.fullmatch(address)), None)
