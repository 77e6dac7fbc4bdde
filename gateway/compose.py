"""The composition root: the one place that knows every part, and the only one in ``gateway`` that imports ``wallet``.

init_data_dir(settings)       a data folder, its keys, its database, and the first seller's token
check_payout(settings, text)  what a seller typed, read as the gateway would
choose_chain(network)         a node on this machine, if one answers
running(settings)             everything built and started; ended in order
rescan_payments(settings)     the ledger compared with the chain, and made equal
private_chain(folder, …)      a chain without value, for demonstrations: running(settings, purse=…)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import get_args

import structlog
from sqlalchemy import Connection

from bitcache import highwater, ledger, rescan, sellers, uploads
from bitcache.errors import BitcacheError, InvalidSettings, NodeRefused
from bitcache.highwater import HighWater
from bitcache.identifiers import TransferId, new_secret, token_hash
from bitcache.invoices import InvoicePolicy
from bitcache.ledger import BlockRef
from bitcache.masterkey import MasterKey
from bitcache.ports import PayoutTerms, Rail
from bitcache.storage.blobs import Blobs
from bitcache.storage.store import Store
from gateway.datadir import DataDir
from gateway.hub import Hub
from gateway.settings import Chain, Settings
from gateway.statuses import Statuses
from wallet.chain.base import ChainSource, ChainStatus, Purse
from wallet.chain.bitcoind import BitcoindSource
from wallet.chain.checkup import CursorAt, NodeFacts, check_up
from wallet.chain.discover import CORE, FoundNode, discover
from wallet.chain.find_bitcoind import NoBitcoind, find_bitcoind
from wallet.chain.reading import read_chain
from wallet.chain.regtest import RegtestNode
from wallet.chain.rpc import NodeRpc
from wallet.chain.simulated import SimulatedChain
from wallet.rails.onchain import OnChainRail
from wallet.watcher import Watcher, unix_time

#: Where the seller of a simulated demonstration is paid; anyone can make its private keys, and no coin is real there.
_WELL_KNOWN = (
    "wpkh(tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
    "/0/*)"
)

__all__ = [
    "ChainChoice",
    "ChainStatus",
    "CursorAt",
    "NodeFacts",
    "Parts",
    "PrivateChain",
    "bitcoind_program",
    "check_payout",
    "choose_chain",
    "init_data_dir",
    "node_facts",
    "private_chain",
    "rescan_payments",
    "running",
]

log = structlog.get_logger("gateway.compose")


@dataclass
class Counters:
    """What this process counts and no table holds."""

    bytes_served: int = 0


@dataclass(frozen=True)
class Parts:
    """Everything a running gateway consists of.  ``purse`` is there in demonstrations alone."""

    settings: Settings
    store: Store
    blobs: Blobs
    master_key: MasterKey
    buyer_secret: bytes
    rail: Rail
    marks: HighWater
    source: ChainSource
    watcher: Watcher
    hub: Hub
    statuses: Statuses
    policy: InvoicePolicy
    purse: Purse | None
    clock: Callable[[], int]
    counters: Counters = field(default_factory=Counters)

    @property
    def simulated(self) -> bool:
        """Whether the chain is a pretence."""
        return isinstance(self.source, SimulatedChain)

    @property
    def demo(self) -> bool:
        """Whether somebody pays for show."""
        return self.purse is not None


@dataclass(frozen=True)
class ChainChoice:
    """What a new installation follows: settings of the table ``chain``, and what to say about it."""

    values: dict[str, str]
    said: str
    hint: str = ""
    node: str | None = None


@dataclass(frozen=True)
class PrivateChain:
    """A chain without value: who pays on it, and the descriptor (public keys alone) by which its seller is paid."""

    purse: RegtestNode | SimulatedChain
    descriptor: str


async def init_data_dir(settings: Settings, name: str = "seller", terms: PayoutTerms | None = None) -> str:
    """Make the data folder, its keys, its database and the first seller; returns the token, which is kept nowhere.

    With ``terms`` (from :func:`check_payout`) the seller is paid there.
    Raises InvalidSettings when there is a seller already.
    """
    folder = DataDir(settings.storage.directory)
    folder.create()
    with folder.locked():
        MasterKey.load_or_create(folder.master_key)
        folder.load_buyer_secret()
        store = await Store.open(folder.database)
        try:
            return await _first_seller(store, name, terms)
        finally:
            await store.close()


async def check_payout(settings: Settings, text: str, script_type: str | None = None) -> PayoutTerms:
    """Read a descriptor or extended key as the gateway would; raises InvalidDescriptor and its kin."""
    rail = OnChainRail(settings.bitcoin.network, {})
    return await asyncio.to_thread(rail.check, text, script_type)


async def choose_chain(network: str) -> ChainChoice:
    """A node of this network that answers on this machine; else the light client, where there is one."""
    found = await discover()
    here = next((one for one in found if one.network == network), None)
    if here is not None:
        return _choice_of(here)
    others = [one.network for one in found]
    hint = f"Nodes of other networks answer: --network {' or '.join(others)}" if others else ""
    if "light" in get_args(Chain.model_fields["source"].annotation):
        return ChainChoice({"source": "light"}, "No node answers here: the built-in light client is used", hint)
    return ChainChoice(
        {}, f"No node of {network} answers here", hint or "Start Bitcoin Core, or set chain.rpc_url to where yours is."
    )


def _choice_of(node: FoundNode) -> ChainChoice:
    if node.error is not None:
        return ChainChoice({}, f"A node answers at {node.url}: {node.error}", node.error.advice, node.url)
    usual = Path.home() / ".bitcoin" / CORE[node.network][1] / ".cookie"
    values = {"rpc_cookie": str(node.cookie)} if node.cookie not in (None, usual) else {}
    return ChainChoice(values, f"Bitcoin node: {node.url}, at block {node.height}", node=node.url)


@asynccontextmanager
async def running(
    settings: Settings, *, purse: RegtestNode | SimulatedChain | None = None, clock: Callable[[], int] = unix_time
) -> AsyncIterator[Parts]:
    """A gateway at work on an initialised data folder.  With ``purse``, a demonstration on that chain."""
    folder = _set_up(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        store = await Store.open(folder.database)
        stack.push_async_callback(store.close)
        parts = await _build(settings, folder, store, purse, clock)
        await _catch_up(parts)
        stack.push_async_callback(store.write, partial(parts.marks.close, rail=parts.rail))
        await uploads.sweep(parts.store, parts.blobs)
        await _recheck_payouts(parts)
        await parts.source.open()
        stack.push_async_callback(parts.source.close)
        for work in (parts.watcher.run(), parts.hub.pump()):
            stack.push_async_callback(_end, asyncio.create_task(work))
        stack.callback(parts.hub.close)
        yield parts


async def node_facts(
    settings: Settings, cursor: BlockRef | None, purse: RegtestNode | SimulatedChain | None = None
) -> NodeFacts:
    """How the configured node is, asked from outside a running gateway."""
    source, _ = _chain(settings, DataDir(settings.storage.directory), purse)
    if not isinstance(source, BitcoindSource):
        await source.open()
    try:
        return await check_up(source, source.rpc if isinstance(source, BitcoindSource) else None, cursor)
    finally:
        await source.close()


async def rescan_payments(
    settings: Settings,
    height: int,
    *,
    apply: bool,
    progress: Callable[[int, int], None],
    purse: RegtestNode | SimulatedChain | None = None,
) -> rescan.Report:
    """Compare the ledger with the chain from ``height`` on, and (``apply``) make it equal, with the gateway stopped."""
    folder = _set_up(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        store = await Store.open(folder.database)
        stack.push_async_callback(store.close)
        parts = await _build(settings, folder, store, purse, unix_time)
        await _catch_up(parts)
        stack.push_async_callback(store.write, partial(parts.marks.close, rail=parts.rail))
        await parts.source.open()
        stack.push_async_callback(parts.source.close)
        owners = dict(await store.read(lambda conn: list(ledger.keys(conn))))
        others = await store.read(lambda conn: rescan.strangers(conn, parts.rail))
        found = await read_chain(parts.source, height, owners.keys() | others.keys(), progress)
        work = rescan.rescan if apply else rescan.dry_run
        budget = settings.invoices.zero_conf_budget_sat
        return await store.write(lambda conn: work(conn, found, others, unix_time(), loss_budget=budget))


def bitcoind_program() -> Path | None:
    """A node to run, fetched if need be; None where none can be had."""
    try:
        return find_bitcoind()
    except NoBitcoind as reason:
        log.warning("no_bitcoind", reason=str(reason))
        return None


@asynccontextmanager
async def private_chain(folder: Path, program: Path | None) -> AsyncIterator[PrivateChain]:
    """A node that ``program`` runs on a chain of its own, kept in ``folder``; without a program, a simulated chain."""
    if program is None:
        yield PrivateChain(SimulatedChain("regtest", folder / "chain.json"), _WELL_KNOWN)
        return
    node = await RegtestNode.start(folder / "node", program)
    try:
        await node.mine()  # a node whose newest block is old takes itself to be catching up
        yield PrivateChain(node, await _seller_descriptor(node))
    finally:
        await node.stop()


def _set_up(settings: Settings) -> DataDir:
    """The data folder; raises InvalidSettings when ``bitcache init`` has not been there."""
    folder = DataDir(settings.storage.directory)
    if not folder.master_key.exists() or not folder.database.exists():
        raise InvalidSettings("this data folder is not set up", hint="Run: bitcache init")
    return folder


async def _build(
    settings: Settings,
    folder: DataDir,
    store: Store,
    purse: RegtestNode | SimulatedChain | None,
    clock: Callable[[], int],
) -> Parts:
    source, payer = _chain(settings, folder, purse)
    scripts: dict[bytes, TransferId] = {}
    hub = Hub(store, settings.limits.streams_per_transfer)
    watcher = Watcher(
        store,
        source,
        scripts,
        clock=clock,
        birthday=settings.chain.watch_from,
        loss_budget=settings.invoices.zero_conf_budget_sat,
        on_change=hub.wake,
    )
    rail = OnChainRail(source.network, scripts, sees_unconfirmed=source.sees_unconfirmed)
    return Parts(
        settings=settings,
        store=store,
        blobs=Blobs(folder.blobs),
        master_key=MasterKey.load(folder.master_key),
        buyer_secret=folder.load_buyer_secret(),
        rail=rail,
        marks=HighWater.open(folder.addresses),
        source=source,
        watcher=watcher,
        hub=hub,
        statuses=Statuses(store, rail),
        policy=_policy(settings),
        purse=payer,
        clock=clock,
    )


def _chain(
    settings: Settings, folder: DataDir, purse: RegtestNode | SimulatedChain | None
) -> tuple[ChainSource, Purse | None]:
    """The chain to follow, and who pays on it in a demonstration."""
    network = settings.bitcoin.network
    if isinstance(purse, RegtestNode):
        rpc = NodeRpc(purse.url, cookie=purse.cookie)
        return BitcoindSource(rpc, purse.network, zmq_address=purse.zmq_address), purse
    if purse is not None:
        return purse, purse
    if settings.chain.source == "simulated":
        if network != "regtest":
            raise InvalidSettings(
                'a simulated chain needs bitcoin.network = "regtest"',
                hint="Its addresses must not be ones to which somebody could send real coins.",
            )
        chain = SimulatedChain(network, folder.simulated_chain)
        return chain, chain
    return BitcoindSource(_rpc(settings.chain, network), network, zmq_address=settings.chain.zmq_rawtx or None), None


def _rpc(chain: Chain, network: str) -> NodeRpc:
    port, sub = CORE[network]
    url = chain.rpc_url or f"http://127.0.0.1:{port}"
    if chain.rpc_user:
        return NodeRpc(url, user=chain.rpc_user, password=chain.rpc_password.get_secret_value())
    return NodeRpc(url, cookie=chain.rpc_cookie or Path.home() / ".bitcoin" / sub / ".cookie")


def _policy(settings: Settings) -> InvoicePolicy:
    invoices = settings.invoices
    return InvoicePolicy(
        expiry_seconds=invoices.expiry_seconds,
        confirmations=invoices.confirmations,
        zero_conf_below_sat=invoices.zero_conf_below_sat,
        loss_budget_sat=invoices.zero_conf_budget_sat,
        cap_per_buyer=invoices.cap_per_buyer,
        cap_per_listing=invoices.cap_per_listing,
    )


async def _first_seller(store: Store, name: str, terms: PayoutTerms | None) -> str:
    token, now = new_secret(), unix_time()
    if await store.read(sellers.any_seller):
        raise InvalidSettings("this data folder is set up already", hint="Start the gateway: bitcache serve")

    def create(conn: Connection) -> None:
        seller = sellers.create_seller(conn, name, token_hash(token), now)
        if terms is not None:
            sellers.set_payout(conn, seller, OnChainRail.name, terms, now)

    await store.write(create)
    return token


async def _catch_up(parts: Parts) -> None:
    """No address is given out again, even over a restored backup."""
    for one in await parts.store.write(lambda conn: highwater.catch_up(conn, parts.rail, parts.marks, parts.clock())):
        log.error(
            "addresses_skipped",
            payout=one.payout_id,
            first=one.first,
            count=one.count,
            reason="the database is older than the addresses given out: a restored backup, or a crash",
            hint="Buyers may still pay to these addresses; look for such payments with: bitcache rescan",
        )


async def _recheck_payouts(parts: Parts) -> None:
    """Both libraries derive each seller's first addresses again; a seller for whom they differ sells nothing."""
    for payout in await parts.store.read(sellers.active_payouts):
        try:
            await asyncio.to_thread(parts.rail.check, payout.account, payout.script_type)
            reason = None
        except BitcacheError as error:
            reason = error.code
            log.error("payout_paused", payout=payout.id, code=error.code, reason=str(error), hint=error.advice)
        if reason != payout.paused:
            await parts.store.write(partial(sellers.pause_payout, payout_id=payout.id, reason=reason))


async def _seller_descriptor(node: RegtestNode) -> str:
    """The receiving descriptor of the wallet "seller" of a private node, without its private keys."""
    if "seller" not in await node.rpc("listwallets"):
        try:
            await node.rpc("loadwallet", "seller")
        except NodeRefused:
            await node.rpc("createwallet", "seller")
    found = (await node.rpc("listdescriptors", wallet="seller"))["descriptors"]
    return next(str(one["desc"]) for one in found if one["desc"].startswith("wpkh(") and not one["internal"])


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel it; had it died before, say so."""
    task.cancel()
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        log.error("task_died", task=task.get_name(), exc_info=outcome)
