"""The demonstration's two Lightning wallets (wallet/lightning/electrum/), for tests, whatever event loop they run in.

``seller`` receives by Nostr Wallet Connect; ``buyer`` pays.  From nothing to a paid channel takes some 10 seconds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from wallet.chain.regtest_node import RegtestNode
from wallet.lightning.electrum.electrum_daemon import ElectrumDaemon
from wallet.lightning.electrum.electrum_pair import electrum_pair
from wallet.lightning.electrum.private_relay import PrivateRelay

T = TypeVar("T")


class LoopThread:
    """An event loop of its own, in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def end(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Wallet:
    """An Electrum daemon, by its JSON-RPC."""

    daemon: ElectrumDaemon
    loop: LoopThread

    def start(self) -> None:
        """Run the daemon, its wallet loaded."""
        self.loop.run(self.daemon.start())

    def stop(self) -> None:
        """End the daemon."""
        self.loop.run(self.daemon.stop())

    def call(self, method: str, **params: Any) -> Any:
        """Return what the daemon answers; raise WalletError."""
        return self.loop.run(self.daemon.call(method, **params))

    def pay(self, invoice: str) -> bytes:
        """Pay an invoice and return the preimage; raise WalletError."""
        return self.loop.run(self.daemon.pay(invoice))


class OwnConnection:
    """A connection by Nostr Wallet Connect for one test alone, to be removed as people do in their wallet.

    Its info event is new: a relay that was restarted has forgotten the others', which some clients want to read.
    """

    def __init__(self, wallet: Wallet, name: str, daily_limit_sat: int) -> None:
        self._wallet, self._name = wallet, f"{name}-{time.time_ns()}"
        self.text: str = wallet.call("nwc_add_connection", name=self._name, daily_limit_sat=daily_limit_sat)
        self._there = True

    def remove(self) -> None:
        """Answer nothing on it any more."""
        if self._there:
            self._there = False
            self._wallet.call("nwc_remove_connection", name=self._name)


@dataclass
class Relay:
    """The relay, to be killed and started again."""

    relay: PrivateRelay
    loop: LoopThread

    def start(self) -> None:
        """Serve; what was published before is forgotten."""
        self.loop.run(self.relay.start())

    def kill(self) -> None:
        """End it without a word to anybody."""
        self.relay.kill()


@dataclass
class LightningHarness:
    """``connection`` receives only; ``spending`` is one that may pay."""

    seller: Wallet
    buyer: Wallet
    connection: str
    spending: str
    relay: Relay


@contextmanager
def lightning(programs: Path, folder: Path, node: RegtestNode) -> Iterator[LightningHarness]:
    """Yield both wallets with a channel."""
    loop = LoopThread()
    try:
        pair_context = electrum_pair(programs, folder, node)
        pair = loop.run(pair_context.__aenter__())
        try:
            seller, buyer = Wallet(pair.seller, loop), Wallet(pair.buyer, loop)
            yield LightningHarness(seller, buyer, pair.connection, pair.spending, Relay(pair.relay, loop))
        finally:
            loop.run(pair_context.__aexit__(None, None, None))
    finally:
        loop.end()
