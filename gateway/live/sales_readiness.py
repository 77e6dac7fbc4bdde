"""Whether a sale may be made: the chain is known to its newest block, and the data folder is the newest one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, Literal

from bitcache.errors import SalesPaused
from gateway.config.restored_backup import RestoreCheck
from gateway.wallet_ports import Watcher

Reason = Literal["catching_up", "restored"]
CATCHING_UP: Final = "catching_up"
RESTORED: Final = "restored"

#: A buyer who comes in the first moments of a run is answered when the chain is known, at the latest after so long.
PATIENCE_SECONDS = 5.0


class Readiness:
    """Of one run.  ``last``: what was written down about it, with the doubt that stops its sales."""

    def __init__(self, watcher: Watcher, last: RestoreCheck) -> None:
        self._watcher, self.last = watcher, last

    @property
    def reason(self) -> Reason | None:
        """Why nothing is sold at this moment (a code), or None."""
        if self.last.doubt is not None:
            return RESTORED
        return None if self._watcher.caught_up.is_set() else CATCHING_UP

    @property
    def lasting_reason(self) -> Reason | None:
        """The same, but for the moments in which a gateway that was just started reads the newest blocks."""
        return self.reason if self.reason == RESTORED or self._watcher.status.error is not None else None

    async def why_closed(self) -> SalesPaused | None:
        """Return what a buyer is told who asks to pay; waits a little where nothing but time is missing."""
        if self.reason == CATCHING_UP and self._watcher.status.error is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._watcher.caught_up.wait()
        if self.reason == CATCHING_UP:
            hint = "You have not been charged. Try again in some minutes: the gateway is reading the newest blocks."
            return SalesPaused("the gateway has not caught up with the chain yet", hint=hint, reason=CATCHING_UP)
        if self.reason == RESTORED:
            hint = "You have not been charged. The operator has to look at the gateway first; come back later."
            return SalesPaused("the gateway's data may be older than its sales", hint=hint, reason=RESTORED)
        return None
