"""Which chain a gateway follows: the configured one, the one that a new installation finds, or a private one."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from bitcache.chain_errors import NodeRefused
from bitcache.chain_types import BlockRef
from bitcache.errors import InvalidSettings
from gateway.config.data_folder import DataFolder
from gateway.config.settings import Chain, Settings
from wallet.chain.bitcoind_executable import NoBitcoind, find_bitcoind
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.chain_source import ChainSource, DemoWallet
from wallet.chain.discover_local_nodes import CORE, FoundNode, discover
from wallet.chain.light.light_source import LightSource
from wallet.chain.node_checkup import NodeFacts, check_up
from wallet.chain.node_rpc import NodeRpc
from wallet.chain.regtest_node import RegtestNode
from wallet.chain.simulated_chain import SimulatedChain

#: Where the seller of a simulated demonstration is paid; anyone can make its private keys, and no coin is real there.
_WELL_KNOWN = (
    "wpkh(tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
    "/0/*)"
)

#: A chain without value that somebody else started: a demonstration's or a test's.
Given = RegtestNode | SimulatedChain | None

#: What a light client cannot check, in a sentence for people.
AT_STAKE = (
    "It believes the work in blocks and peers it does not know: whoever controls all of its peers, and spends what one "
    "block costs to mine, gets files without paying. A node of your own cannot be cheated so (docs/light-client.md)."
)
CHOOSE = (
    "Start Bitcoin Core and run this again (best); or, if it runs elsewhere: bitcache init --chain bitcoind, then set "
    f"chain.rpc_url; or go without a node: bitcache init --chain light. {AT_STAKE}"
)
#: What doctor grants a light client to connect.
WARM_UP_SECONDS = 20.0

log = structlog.get_logger("gateway.compose")


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

    demo_wallet: RegtestNode | SimulatedChain
    descriptor: str


def chain_of(settings: Settings, folder: DataFolder, demo_wallet: Given) -> tuple[ChainSource, DemoWallet | None]:
    """Return the chain to follow, and who pays on it in a demonstration."""
    network = settings.bitcoin.network
    if isinstance(demo_wallet, RegtestNode):
        rpc = NodeRpc(demo_wallet.url, cookie=demo_wallet.cookie)
        return BitcoindSource(rpc, demo_wallet.network, zmq_address=demo_wallet.zmq_address), demo_wallet
    if demo_wallet is not None:
        return demo_wallet, demo_wallet
    if settings.chain.source == "simulated":
        if network != "regtest":
            raise InvalidSettings(
                'a simulated chain needs bitcoin.network = "regtest"',
                hint="Its addresses must not be ones to which somebody could send real coins.",
            )
        chain = SimulatedChain(network, folder.simulated_chain)
        return chain, chain
    if settings.chain.source == "light":
        return _light(settings, folder.light), None
    return BitcoindSource(_rpc(settings.chain, network), network, zmq_address=settings.chain.zmq_rawtx or None), None


async def choose_chain(network: str, wanted: str | None = None, *, is_node_named: bool = False) -> ChainChoice:
    """``wanted`` (bitcoind or light); else a node of this network that answers on this machine; else the light client.

    ``is_node_named``: the environment says which node (chain.rpc_url), so that no other is looked for.

    Raise InvalidSettings when nobody said what to follow and it would be the light client with real money.
    """
    if wanted == "light":
        return ChainChoice({"source": "light"}, "The built-in light client is used", AT_STAKE)
    if is_node_named:
        return ChainChoice({}, "The node that chain.rpc_url names is followed: bitcache doctor asks it")
    nodes = await discover()
    here = next((node for node in nodes if node.network == network), None)
    if here is not None:
        return _choice_of(here)
    others = [node.network for node in nodes]
    hint = f"Nodes of other networks answer: --network {' or '.join(others)}" if others else ""
    if wanted == "bitcoind":
        return ChainChoice({}, "No node answers here yet: start Bitcoin Core, or set chain.rpc_url", hint)
    if network == "main":
        raise InvalidSettings("no Bitcoin node answers on this machine", hint=f"{CHOOSE} {hint}".strip())
    return ChainChoice({"source": "light"}, "No node answers here: the built-in light client is used", hint)


def _choice_of(node: FoundNode) -> ChainChoice:
    if node.error is not None:
        return ChainChoice({}, f"A node answers at {node.url}: {node.error}", node.error.advice, node.url)
    usual = Path.home() / ".bitcoin" / CORE[node.network][1] / ".cookie"
    values = {"rpc_cookie": str(node.cookie)} if node.cookie not in (None, usual) else {}
    return ChainChoice(values, f"Bitcoin node: {node.url}, at block {node.height}", node=node.url)


async def node_facts(
    settings: Settings, cursor: BlockRef | None, demo_wallet: Given = None, *, deep: BlockRef | None = None
) -> NodeFacts:
    """Return how the configured node is, asked from outside a running gateway, whose files are left alone.

    ``deep``: a block of the ledger that no reorganisation reaches.
    """
    with _scratch_folder(settings) as folder:
        source, _ = chain_of(settings, DataFolder(folder), demo_wallet)
        if not isinstance(source, BitcoindSource):
            await source.open()
            await _warm_up(source)
        try:
            return await check_up(source, cursor, deep)
        finally:
            await source.close()


@contextlib.contextmanager
def _scratch_folder(settings: Settings) -> Iterator[Path]:
    """Yield a folder where a look at the chain may write: only the light client does."""
    data = settings.storage.directory
    if settings.chain.source != "light":
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="bitcache-look-", dir=data if data.is_dir() else None) as folder:
        yield Path(folder)


async def _warm_up(source: ChainSource) -> None:
    """Wait some seconds: a light client must find its peers before it can say anything."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WARM_UP_SECONDS):
            while not (await source.status()).synced:
                await source.wait(0.5)


def _light(settings: Settings, folder: Path) -> LightSource:
    chain = settings.chain
    return LightSource(
        settings.bitcoin.network,
        folder,
        peers=chain.light_peers,
        connections=chain.light_connections,
        proxy=chain.light_proxy or None,
    )


def bitcoind_program() -> Path | None:
    """Return a node to run, fetched if need be; None where none can be had."""
    try:
        return find_bitcoind()
    except NoBitcoind as reason:
        log.warning("no_bitcoind", reason=str(reason))
        return None


@asynccontextmanager
async def private_chain(folder: Path, program: Path | None) -> AsyncIterator[PrivateChain]:
    """Yield a node that ``program`` runs on its own chain, kept in ``folder``; without a program, a simulated chain."""
    if program is None:
        yield PrivateChain(SimulatedChain("regtest", folder / "chain.json"), _WELL_KNOWN)
        return
    node = await RegtestNode.start(folder / "node", program)
    try:
        await node.mine()  # a node whose newest block is old takes itself to be catching up
        yield PrivateChain(node, await _seller_descriptor(node))
    finally:
        await node.stop()


def _rpc(chain: Chain, network: str) -> NodeRpc:
    port, sub = CORE[network]
    url = chain.rpc_url or f"http://127.0.0.1:{port}"
    if chain.rpc_user:
        return NodeRpc(url, user=chain.rpc_user, password=chain.rpc_password.get_secret_value())
    return NodeRpc(url, cookie=chain.rpc_cookie or Path.home() / ".bitcoin" / sub / ".cookie")


async def _seller_descriptor(node: RegtestNode) -> str:
    """Return the receiving descriptor of the wallet "seller" of a private node, without its private keys."""
    if "seller" not in await node.rpc("listwallets"):
        try:
            await node.rpc("loadwallet", "seller")
        except NodeRefused:
            await node.rpc("createwallet", "seller")
    descriptors = (await node.rpc("listdescriptors", wallet="seller"))["descriptors"]
    return next(
        str(descriptor["desc"])
        for descriptor in descriptors
        if descriptor["desc"].startswith("wpkh(") and not descriptor["internal"]
    )
