"""One account followed by the Bitcoin Dev Kit's client, in a thread of its own.

The thread is not a luxury.  Filters are matched while ``CbfClient.update()`` is awaited, in whichever
event loop awaits it: some 70 µs per address and block, 7 s with 100 000 addresses.  The work is Rust's and
leaves the interpreter's lock alone, so in its own thread it delays nobody.

Everything here but :meth:`LightNode._work` and what it calls runs in the gateway's event loop; what
the thread learns is handed over whole, update by update.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from bdkpython import CbfBuilder, CbfClient, CbfError, Info, IpAddress, Peer, ScanType, Socks5Proxy

from bitcache.ledger import BlockRef
from wallet.chain.light.dial import PeerAddress
from wallet.chain.light.wallet import Changes, FoundTransaction, LightWallet

POLL_SECONDS = 2.0

log = structlog.get_logger("wallet.light")


@dataclass(frozen=True, slots=True)
class Connecting:
    """How to reach the network.  ``peers`` are addresses, not names; ``only`` those are used if it says so."""

    folder: Path
    connections: int
    peers: tuple[PeerAddress, ...] = ()
    only: bool = False
    proxy: PeerAddress | None = None
    #: Bitcoin Core leaves a question unanswered while it has no filter of the block yet; then this must pass
    response_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Following:
    """What to follow: an account with ``issued`` addresses, from the last of ``blocks`` on."""

    account: str
    network: str
    issued: int
    lookahead: int
    blocks: tuple[BlockRef, ...]


@dataclass(slots=True, eq=False)
class LightNode:
    """A client at work.  ``on_news`` is called in the event loop after every update, and when it failed."""

    following: Following
    connecting: Connecting
    on_news: Callable[[LightNode, Changes], None]
    chain: dict[int, str] = field(init=False)
    found: dict[str, list[FoundTransaction]] = field(init=False, default_factory=dict)
    synced: bool = field(init=False, default=False)
    failed: bool = field(init=False, default=False)
    peers: int = field(init=False, default=0)
    percent: float = field(init=False, default=0.0)
    heard_at: float = field(init=False, default_factory=time.monotonic)
    tip: int = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False, repr=False)
    _thread: threading.Thread = field(init=False, repr=False)
    _client: CbfClient | None = field(init=False, default=None, repr=False)
    _ended: threading.Event = field(init=False, default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self.chain = {block.height: block.hash for block in self.following.blocks}
        self.tip = max(self.chain)

    def serves(self, issued: int, below: int | None) -> bool:
        """Whether it looks at every address below index ``issued``, in every block above height ``below``."""
        looks = self.following.issued + self.following.lookahead
        return looks >= issued and (below is None or self.following.blocks[-1].height <= below)

    def is_stalled(self, seconds: float) -> bool:
        """Whether nothing was heard of it for so long."""
        return time.monotonic() > self.heard_at + seconds

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="light-client", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask the thread to end; it may first finish what it computes."""
        self._ended.set()
        if self._client is not None:
            _shut_down(self._client)

    def join(self, timeout: float) -> bool:
        """Whether it ended within ``timeout`` seconds.  Blocks."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # In the event loop

    def _take(self, changes: Changes) -> None:
        for height, digest in changes.chain:
            if digest is None:
                self.chain.pop(height, None)
            else:
                self.chain[height] = digest
        for one in changes.transactions:
            self.found.setdefault(one.block_hash, []).append(one)
        self.tip = max(self.chain)
        self.synced, self.heard_at = True, time.monotonic()
        self.on_news(self, changes)

    def _fail(self) -> None:
        self.failed, self.synced = True, False
        self.on_news(self, Changes())

    # In the thread

    def _tell(self, news: Callable[..., None], *what: object) -> None:
        if not self._ended.is_set():
            with contextlib.suppress(RuntimeError):  # the gateway's event loop ended before we did
                self._loop.call_soon_threadsafe(news, *what)

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:  # another begins at the cursor, whatever it was
            log.exception("light_client_failed")
        finally:
            self._tell(self._fail)

    async def _work(self) -> None:
        follow = self.following
        wallet = LightWallet(follow.account, follow.network, follow.issued, follow.lookahead, follow.blocks)
        parts = _builder(self.connecting).build(wallet.bdk)
        self._client = parts.client
        if self._ended.is_set():
            return
        parts.node.run()
        listeners = [asyncio.create_task(listen(parts.client)) for listen in (self._hear, _drain, self._count)]
        try:
            while not self._ended.is_set():
                self._tell(self._take, wallet.apply(await parts.client.update()))
        except CbfError:
            pass  # it was told to, or ran out of peers, or a block it wanted left the chain: begin again
        finally:
            _shut_down(parts.client)
            for listener in listeners:
                listener.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)

    async def _hear(self, client: CbfClient) -> None:
        with contextlib.suppress(CbfError):
            while True:
                info = await client.next_info()
                if isinstance(info, Info.PROGRESS):
                    self.percent, self.heard_at = info.filters_downloaded_percent, time.monotonic()

    async def _count(self, client: CbfClient) -> None:
        with contextlib.suppress(CbfError):
            while client.is_running():
                self.peers = len(await client.peer_info())
                await asyncio.sleep(POLL_SECONDS if self.peers else 0.1)


async def _drain(client: CbfClient) -> None:
    """Warnings queue without bound until somebody takes them; none is worth more than the peers' number."""
    with contextlib.suppress(CbfError):
        while True:
            await client.next_warning()


def _builder(how: Connecting) -> CbfBuilder:
    how.folder.mkdir(parents=True, exist_ok=True)
    builder = CbfBuilder().data_dir(str(how.folder)).connections(how.connections)  # type: ignore[no-untyped-call]
    builder = builder.scan_type(ScanType.SYNC())  # type: ignore[arg-type,no-untyped-call]
    builder = builder.peers([Peer(address=_ip(one), port=one.port, v2_transport=False) for one in how.peers])
    if how.only:
        builder = builder.only_configured_peers()
    if how.proxy:
        builder = builder.socks5_proxy(Socks5Proxy(address=_ip(how.proxy), port=how.proxy.port))
    return builder.configure_timeout_millis(15_000 if how.proxy else 2_000, int(how.response_seconds * 1_000))


def _ip(address: PeerAddress) -> IpAddress:
    found = ipaddress.ip_address(address.host)
    if isinstance(found, ipaddress.IPv4Address):
        return IpAddress.from_ipv4(*found.packed)
    return IpAddress.from_ipv6(*(int.from_bytes(found.packed[at : at + 2]) for at in range(0, 16, 2)))


def _shut_down(client: CbfClient) -> None:
    with contextlib.suppress(CbfError):
        client.shutdown()
