"""The buyer's own Lightning wallet, from what they copied out of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bitcache.chain_errors import WalletRefused, WalletUnreachable
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import CURRENCY, DecodedInvoice, decode
from wallet.lightning.nwc.connection_string import parse
from wallet.lightning.nwc.nwc_payer import NwcPayer


class PayingWallet:
    """A payer (see gateway/client/pay_by_wallet.py) that decodes and checks what it is asked to pay."""

    def __init__(self, nwc: NwcPayer, max_sat: Sat) -> None:
        self._nwc, self._max_sat = nwc, max_sat

    async def pay(self, invoice: str, network: str) -> bytes:
        """Return the preimage, also of what was paid before; raise WalletRefused when nothing was sent."""
        decoded = decode(invoice)
        self._insist(decoded, network)
        before = await self._nwc.preimage_of(decoded)
        if before is not None:
            return before
        try:
            return await self._nwc.pay(decoded)
        except WalletUnreachable:
            paid = await self._nwc.preimage_of(decoded)
            if paid is None:
                raise
            return paid

    def _insist(self, invoice: DecodedInvoice, network: str) -> None:
        within = invoice.amount_msat is not None and invoice.amount_msat <= self._max_sat * 1000
        if invoice.currency != CURRENCY.get(network) or not within:
            raise WalletRefused("this Lightning invoice asks for something else than what may be paid")


@asynccontextmanager
async def paying_wallet(connection: str, max_sat: Sat, *, private: bool = False) -> AsyncIterator[PayingWallet]:
    """Yield the wallet; raise ConnectionRefused, which never quotes the connection."""
    nwc = NwcPayer(parse(connection, private=private), lambda: int(time.time()), private=private)
    try:
        yield PayingWallet(nwc, max_sat)
    finally:
        await nwc.close()
