"""What a payment on the chain costs its buyer beside the price, by the node's estimate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bitcache.errors import BitcacheError
from bitcache.money import Sat
from gateway.wallet_ports import ChainSource

#: One input and two outputs of P2WPKH (BIP 141): what most wallets pay with.
TYPICAL_VBYTES = 141
ASK_SECONDS = 60
#: An older estimate says nothing.
OLDEST_SECONDS = 30 * 60
#: Above this part of the amount, Lightning is offered first.
DEAR = 1 / 10


class NetworkFee:
    """The newest estimate; :meth:`run` keeps it fresh, so that no buyer waits for the node."""

    def __init__(self, source: ChainSource, clock: Callable[[], int]) -> None:
        self._source, self._clock = source, clock
        self._estimate: tuple[Sat, int] | None = None  # and when it was made

    @property
    def sat(self) -> Sat | None:
        """What a typical payment costs; None: the chain source tells nothing, or nothing new."""
        if self._estimate is None or self._clock() - self._estimate[1] > OLDEST_SECONDS:
            return None
        return self._estimate[0]

    def is_dear(self, amount: Sat) -> bool:
        """Return whether paying ``amount`` on the chain costs a good deal more than it."""
        return self.sat is not None and self.sat > amount * DEAR

    async def run(self) -> None:
        """Ask for ever; a source that is away is asked again."""
        while True:
            await self.ask()
            await asyncio.sleep(ASK_SECONDS)

    async def ask(self) -> None:
        """Ask once."""
        try:
            rate = await self._source.fee_rate()
        except BitcacheError:
            return
        self._estimate = None if rate is None else (Sat(-(-rate * TYPICAL_VBYTES // 1000)), self._clock())
