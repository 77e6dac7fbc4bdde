"""Waiting for programs that were just started."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bitcache.chain_errors import ChainError, WalletError, WalletUnreachable
from wallet.guarded_process import GuardedProcess

T = TypeVar("T")

INTERVAL_SECONDS = 0.1
#: A machine that does much else at the same time is several times slower.
SECONDS = 120.0
HINT = "Start it anew; this machine may have been busy, or short of memory."


async def wait_until(
    what: str, ready: Callable[[], Awaitable[T]], process: GuardedProcess | None = None, seconds: float = SECONDS
) -> T:
    """Return the first true answer; an error means: not yet.

    Raise WalletUnreachable, which names ``what``, when time is up, or when its process has ended.
    """
    end, last = time.monotonic() + seconds, "it is not there"
    while time.monotonic() < end:
        try:
            if answer := await ready():
                return answer
        except (WalletError, ChainError, OSError, LookupError) as error:
            last = str(error) or type(error).__name__
        if process is not None and process.ended:
            raise WalletUnreachable(f"{what} has ended by itself", hint=HINT)
        await asyncio.sleep(INTERVAL_SECONDS)
    raise WalletUnreachable(f"{what} is not ready after {seconds:.0f} s: {last}", hint=HINT)


async def listens(port: int) -> bool:
    """Return whether somebody answers at this port of this machine."""
    with socket.socket() as probe:
        probe.setblocking(False)
        await asyncio.get_running_loop().sock_connect(probe, ("127.0.0.1", port))
        with contextlib.suppress(OSError):
            probe.shutdown(socket.SHUT_RDWR)
    return True
