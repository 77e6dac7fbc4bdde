"""What ``bitcache doctor`` says of a node is what happens: each set-up is examined, and then really paid through.

One node pays and finds blocks; the examined one learns of both from it alone, as from the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.accounts import fresh_destinations
from support.eventually import eventually
from support.invoice_harness import open_invoice_harness
from support.ports import free_port

from bitcache.chain_errors import ChainError
from bitcache.money import Sat
from bitcache.storage.database import Store
from gateway.compose import CALLS, Need, node_facts
from gateway.compose.chain_selection import chain_of
from gateway.config.data_folder import DataFolder
from gateway.config.load_settings import check
from gateway.config.settings import Settings
from gateway.diagnostics import doctor_rules as rules
from gateway.diagnostics.findings import Finding
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.read_chain_range import read_chain
from wallet.chain.regtest_node import RegtestNode
from wallet.watcher import Watcher

pytestmark = pytest.mark.node

PASSWORD = "correct/horse#battery"
USER = {"rpc_user": "gateway", "rpc_password": PASSWORD}
TEN = [call.method for call in CALLS if call.need is not Need.REPAIR]
LONG, SHORT = 30.0, 1.5  #: how long what should happen is waited for, and what should not


def rpcauth(user: str, password: str) -> str:
    """As Bitcoin Core's share/rpcauth/rpcauth.py makes it."""
    salt = "5a17"
    return f"-rpcauth={user}:{salt}${hmac.new(salt.encode(), password.encode(), hashlib.sha256).hexdigest()}"


def allowed(*methods: str) -> tuple[str, ...]:
    """Options that let the gateway's user make these calls alone, and the node's owner all."""
    return rpcauth("gateway", PASSWORD), f"-rpcwhitelist=gateway:{','.join(methods)}", "-rpcwhitelistdefault=0"


def without(method: str) -> tuple[str, ...]:
    return allowed(*(name for name in TEN if name != method))


@dataclass(frozen=True)
class SetUp:
    """A node's options (``{port}``: a free one), the gateway's settings, and the codes that doctor must say."""

    name: str
    options: tuple[str, ...] = ()
    chain: Mapping[str, str] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    network: str = "regtest"


ZMQ = frozenset({"zmq"})
SET_UPS = [
    SetUp("cookie and zmq", codes=ZMQ),
    SetUp("no zmq", ("-nozmqpubrawtx",), codes=frozenset({"no_zmq"})),
    SetUp("stale zmq port", chain={"zmq_rawtx": "tcp://127.0.0.1:1"}, codes=frozenset({"zmq_silent"})),
    SetUp("zmq on ipv6", ("-nozmqpubrawtx", "-zmqpubrawtx=tcp://[::1]:{port}"), codes=ZMQ),
    SetUp("zmq everywhere", ("-nozmqpubrawtx", "-zmqpubrawtx=tcp://0.0.0.0:{port}"), codes=ZMQ),
    SetUp("rest", ("-rest",), codes=ZMQ),
    SetUp("no wallet", ("-disablewallet",), codes=ZMQ),
    SetUp("pruned", ("-prune=1", "-fastprune"), codes=ZMQ | {"pruning"}),
    SetUp("blocks only", ("-blocksonly",), codes=frozenset({"node_blocks_only"})),
    SetUp(
        "rpc on ipv6",
        ("-rpcbind=127.0.0.1", "-rpcbind=[::1]", "-rpcallowip=127.0.0.1", "-rpcallowip=::1"),
        {"rpc_url": "http://[::1]:{rpc}"},
        ZMQ,
    ),
    SetUp("password", (rpcauth("gateway", PASSWORD),), USER, ZMQ),
    SetUp("wrong password", (rpcauth("gateway", "other"),), USER, frozenset({"node_auth_failed"})),
    SetUp("whole whitelist", allowed(*TEN), USER, ZMQ),
    SetUp("no blocks", without("getblock"), USER, frozenset({"node_call_forbidden"})),
    SetUp("no mempool", without("getrawmempool"), USER, frozenset({"node_call_forbidden"})),
    SetUp("no transactions", without("getrawtransaction"), USER, frozenset({"node_call_forbidden"})),
    SetUp("no version", without("getnetworkinfo"), USER, frozenset({"node_call_forbidden"})),
    SetUp("no waiting", without("waitfornewblock"), USER, ZMQ | {"node_call_forbidden"}),
    SetUp("no zmq address", without("getzmqnotifications"), USER, frozenset({"node_call_forbidden", "no_zmq"})),
    SetUp("empty whitelist", allowed(), USER, frozenset({"node_call_forbidden"})),
    SetUp("another network", codes=frozenset({"node_wrong_network"}), network="main"),
]


@pytest.fixture(scope="module")
def payer(bitcoind: Path) -> Iterator[RegtestNode]:
    """Who pays and finds blocks; tells the examined node of a transaction at once, not after some seconds."""
    node = RegtestNode(None, bitcoind)
    node.launch("-whitelist=noban@127.0.0.1")
    in_its_own_loop(node.ready)
    yield node
    in_its_own_loop(node.stop)


def in_its_own_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """To its end, whatever event loop the tests run in."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(work())).result()


@asynccontextmanager
async def launched(program: Path, folder: Path, payer: RegtestNode, set_up: SetUp) -> AsyncIterator[RegtestNode]:
    """The examined node, in step with the payer's."""
    node = RegtestNode(folder, program)
    spare = free_port()
    host, port = payer.p2p
    node.launch(f"-connect={host}:{port}", *(option.format(port=spare) for option in set_up.options))

    async def in_step() -> bool:
        try:
            info = await node.rpc("getblockchaininfo")
            connected = await node.rpc("getconnectioncount")
        except ChainError:
            return False
        tip = await payer.rpc("getbestblockhash")
        return bool(connected) and info["bestblockhash"] == tip and not info["initialblockdownload"]

    try:
        await eventually(in_step, 60)
        if "-blocksonly" not in set_up.options:
            await eventually(lambda: relayed(payer, node), LONG)  # a mempool is never empty
        yield node
    finally:
        await node.stop()


async def relayed(payer: RegtestNode, node: RegtestNode) -> bool:
    """Whether a transaction gets through; one sent while the node's fee filter still shuts out all (BIP133) is lost."""
    await payer.pay(await payer.address(), Sat(10_000))
    return await happens(lambda: node.rpc("getrawmempool"), 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examined node's data, kept from one set-up to the next."""
    return tmp_path_factory.mktemp("examined")


def settings_of(node: RegtestNode, set_up: SetUp, folder: Path) -> Settings:
    chain = {"rpc_url": node.url, **set_up.chain}
    if "rpc_user" not in chain:
        chain["rpc_cookie"] = str(node.cookie)
    chain["rpc_url"] = chain["rpc_url"].format(rpc=node.ports[0])
    tables = {"bitcoin": {"network": set_up.network}, "chain": chain, "storage": {"directory": folder}}
    return check(tables)


def promised(findings: list[Finding]) -> str:
    """How soon a payment is seen, going by what doctor says."""
    codes = {finding.code for finding in findings}
    worst = [finding for finding in findings if finding.level in ("problem", "warning")]
    late = [finding for finding in worst if "only in its block" in finding.text]
    if any(finding.level == "problem" and finding not in late for finding in worst):
        return "never"
    if late:
        return "in a block"
    return "at once" if "zmq" in codes else "when asked"


async def seen(settings: Settings, payer: RegtestNode, store: Store, folder: Path, promise: str) -> str:
    """How soon a payment is seen: what really happens."""
    source, _ = chain_of(settings, DataFolder(folder), None)
    assert isinstance(source, BitcoindSource)
    invoice_harness = await open_invoice_harness(store)
    ((script, address),) = fresh_destinations(1)
    purchase_id = await invoice_harness.invoice(script, address)
    watcher = Watcher(store, source, {script})
    await source.open()

    async def state() -> str:
        await watcher.attempt()
        return await invoice_harness.state(purchase_id)

    async def settled() -> bool:
        return await state() == "settled"

    async def processing() -> bool:
        return await state() == "processing"

    async def woken() -> bool:
        """The payment itself wakes the watcher; a publisher that was joined late misses the first."""
        await payer.pay(address, Sat(5_000))
        before = asyncio.get_running_loop().time()
        await source.wait(1.0)
        return asyncio.get_running_loop().time() - before < 0.9 and await state() == "processing"

    try:
        await watcher.attempt()  # begins at today's newest block
        if await happens(woken, LONG if promise == "at once" else SHORT):
            soon = "at once"
        elif await happens(processing, LONG if promise == "when asked" else SHORT):
            soon = "when asked"
        else:
            soon = "in a block"
        await payer.mine()
        if not await happens(settled, SHORT if promise == "never" else LONG):
            return "never"
        assert watcher.caught_up.is_set(), "nothing is sold before"
        assert (await read_chain(source, 1, {script})).payments, "a rescan finds it too"
        return soon
    finally:
        await source.close()


async def happens(ask: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    with contextlib.suppress(AssertionError):
        return await eventually(ask, seconds)
    return False


@pytest.mark.parametrize("set_up", SET_UPS, ids=lambda set_up: set_up.name.replace(" ", "-"))
async def test_doctor_and_reality_agree(
    bitcoind: Path,
    payer: RegtestNode,
    folder: Path,
    store: Store,
    tmp_path: Path,
    set_up: SetUp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wallet.chain.bitcoind_source.POLL_SECONDS", 3600)  # so that news alone wakes
    async with launched(bitcoind, folder, payer, set_up) as node:
        settings = settings_of(node, set_up, tmp_path)
        facts = await node_facts(settings, None)
        findings = list(rules.node(facts, None, running=False, rpc_user=settings.chain.rpc_user))
        codes = {finding.code for finding in findings}
        assert set_up.codes <= codes, findings
        assert PASSWORD not in str(findings)
        promise = promised(findings)
        assert await seen(settings, payer, store, tmp_path, promise) == promise, findings


async def test_the_line_that_doctor_prints_is_enough(
    bitcoind: Path, payer: RegtestNode, folder: Path, store: Store, tmp_path: Path
) -> None:
    """What is missing from a whitelist is named, and the whole line is given, ready to be pasted."""
    lacking = SetUp("lacking", allowed("getblockchaininfo"), USER)
    async with launched(bitcoind, folder, payer, lacking) as node:
        settings = settings_of(node, lacking, tmp_path)
        node_findings = list(rules.node(await node_facts(settings, None), None, running=False, rpc_user="gateway"))
    said = " ".join(finding.text for finding in node_findings)
    assert [method for method in TEN if method not in said] == ["getblockchaininfo"]
    line = node_findings[0].hint.rpartition(" ")[2]
    mended = SetUp("mended", (rpcauth("gateway", PASSWORD), f"-{line}", "-rpcwhitelistdefault=0"), USER)
    async with launched(bitcoind, folder, payer, mended) as node:
        settings = settings_of(node, mended, tmp_path)
        findings = list(rules.node(await node_facts(settings, None), None, running=False))
        assert [finding.code for finding in findings if finding.level in ("problem", "warning")] == []
