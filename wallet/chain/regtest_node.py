"""A private Bitcoin node (regtest) with a demo wallet: for demonstrations and tests.

Coins have no value there and blocks come on command.  The node listens on the loopback alone, on
ports of its own, and ends when this process does, however this process ends.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from bitcache.chain_errors import ChainError, NodeRefused, NodeUnreachable
from bitcache.money import Sat, btc_text
from wallet.chain.bitcoind_executable import find_bitcoind
from wallet.chain.node_rpc import NodeRpc
from wallet.free_ports import free_ports
from wallet.guarded_process import GuardedProcess

WALLET = "demo"
#: Rewards mature at 101.  The wallet sets nLockTime to any of the last 100 heights, and Bitcoin Knots
#: refuses 21 ("parasite-cat21"): above 121 no payment is lost to that, 10 blocks of reorganisation included.
START_HEIGHT = 131
START_SECONDS = 60.0


class RegtestNode:
    """One node, from ``await RegtestNode.start()`` to ``await node.stop()``."""

    network = "regtest"

    def __init__(self, datadir: Path | None, bitcoind: Path) -> None:
        """``datadir`` is kept when given; else it is temporary and goes with ``stop()``."""
        self._program = bitcoind
        self._temporary = datadir is None
        self.datadir = datadir or Path(tempfile.mkdtemp(prefix="bitcache-regtest-"))
        self.datadir.mkdir(parents=True, exist_ok=True)
        self.ports = free_ports(3)
        self._process: GuardedProcess | None = None

    @classmethod
    async def start(cls, datadir: Path | None = None, bitcoind: Path | None = None) -> Self:
        """Return a node that answers, with a funded wallet; raise NoBitcoind, NodeUnreachable."""
        if bitcoind is None:
            bitcoind = await asyncio.to_thread(find_bitcoind)
        node = cls(datadir, bitcoind)
        try:
            await node._come_up()
        except BaseException:
            await node.stop()
            raise
        return node

    @property
    def url(self) -> str:
        """Where its RPC is."""
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def p2p(self) -> tuple[str, int]:
        """Where peers (light clients) connect."""
        return "127.0.0.1", self.ports[1]

    @property
    def zmq_address(self) -> str:
        """Where it publishes rawtx."""
        return f"tcp://127.0.0.1:{self.ports[2]}"

    @property
    def cookie(self) -> Path:
        """Its RPC credentials."""
        return self.datadir / "regtest" / ".cookie"

    @property
    def pid(self) -> int:
        """The node's own process id."""
        return int((self.datadir / "regtest" / "bitcoind.pid").read_text())

    def client(self) -> NodeRpc:
        """Return a new RPC client; close it."""
        return NodeRpc(self.url, cookie=self.cookie)

    async def rpc(self, method: str, *params: Any, wallet: str | None = None) -> Any:
        """Return one call, on a connection of its own, so from any event loop."""
        path = f"{self.url}/wallet/{wallet}" if wallet else self.url
        async with NodeRpc(path, cookie=self.cookie) as rpc:
            return await rpc.call(method, *params)

    # Life

    def launch(self, *extra: str) -> None:
        """Start the process."""
        rpc, p2p, zmq = self.ports
        options = (
            "-regtest",
            f"-datadir={self.datadir}",
            f"-rpcport={rpc}",
            f"-bind=127.0.0.1:{p2p}",
            f"-zmqpubrawtx=tcp://127.0.0.1:{zmq}",
            "-zmqpubrawtxhwm=0",
            "-listenonion=0",
            "-dnsseed=0",
            "-natpmp=0",
            "-server",
            "-blockfilterindex=1",
            "-peerblockfilters=1",
            "-fallbackfee=0.0001",
            "-dbcache=16",
            "-printtoconsole=0",
            *extra,
        )
        # It would make a ~/.bitcoin.
        self._process = GuardedProcess([self._program, *options], {"HOME": str(self.datadir)})

    async def ready(self) -> None:
        """Wait until it answers and its demo wallet is full; raise NodeUnreachable when it does not come up."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                await self.rpc("getblockcount")
                break
            except ChainError as error:
                if self._process is None or self._process.ended or time.monotonic() > deadline:
                    raise NodeUnreachable(f"the private node did not start: {error}") from error
                await asyncio.sleep(0.05)
        await self._fund_demo_wallet()

    async def _come_up(self) -> None:
        """Launch; on other ports, if somebody else took one of them first."""
        for last in (False, False, True):
            self.ports = free_ports(3)
            self.launch()
            try:
                await self.ready()
                return
            except NodeUnreachable:
                if last:
                    raise
                await self.stop_process()

    async def stop(self) -> None:
        """End the process, at the latest by force, and remove a temporary datadir."""
        await self.stop_process()
        if self._temporary:
            await asyncio.to_thread(shutil.rmtree, self.datadir, ignore_errors=True)

    async def stop_process(self) -> None:
        """End the process and keep its chain: ``launch()`` starts it again, on the same ports."""
        await asyncio.to_thread(self._end)

    async def restart(self, *extra: str) -> None:
        """Stop and start again, on the same ports and with the same chain."""
        await self.stop_process()
        self.launch(*extra)
        await self.ready()

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    # The demo wallet

    async def pay(self, address: str, amount: Sat) -> str:
        """Send from the demo wallet, replaceably; returns the transaction id."""
        return str(await self._demo_wallet("sendtoaddress", address, btc_text(amount)))

    async def mine(self, blocks: int = 1, address: str | None = None) -> None:
        """Find blocks that hold what waits; their rewards go to the demo wallet, or to ``address``."""
        await self.rpc("generatetoaddress", blocks, address or await self.address())

    async def reorg(self, depth: int, *, keep: bool = True) -> None:
        """Replace the last ``depth`` blocks by ``depth + 1`` empty ones; what was in them waits again.

        Without ``keep`` what was in them is spent elsewhere, so it is gone for good.
        """
        height = await self.rpc("getblockcount")
        digests = [await self.rpc("getblockhash", height - back) for back in range(depth)]
        sent = [txid for digest in digests for txid in (await self.rpc("getblock", digest))["tx"][1:]]
        await self.rpc("invalidateblock", digests[-1])
        if not keep:
            for txid in sent:
                if txid in await self.rpc("getrawmempool"):  # what hung on another one fell with it
                    await self.replace(txid)
        address = await self.address()
        for _ in range(depth + 1):
            await self.rpc("generateblock", address, [])

    async def replace(self, txid: str) -> str:
        """Spend a waiting payment's coins back into the demo wallet, at a higher fee: the payment is gone."""
        sent = await self.rpc("getrawtransaction", txid, True)
        inputs = [{"txid": spent["txid"], "vout": spent["vout"], "sequence": 1} for spent in sent["vin"]]
        total = await self._value_of(inputs)
        outputs = [{await self.address(): btc_text(Sat(total - 20_000))}]
        raw = await self.rpc("createrawtransaction", inputs, outputs)
        signed = await self._demo_wallet("signrawtransactionwithwallet", raw)
        return str(await self.rpc("sendrawtransaction", signed["hex"], 0))

    async def address(self) -> str:
        """Return a fresh address of the demo wallet."""
        return str(await self._demo_wallet("getnewaddress"))

    async def _value_of(self, inputs: list[dict[str, Any]]) -> int:
        total = 0
        for spent in inputs:
            source = (await self._demo_wallet("gettransaction", spent["txid"], True, True))["decoded"]
            total += int(source["vout"][spent["vout"]]["value"] * 100_000_000)
        return total

    async def _demo_wallet(self, method: str, *params: Any) -> Any:
        return await self.rpc(method, *params, wallet=WALLET)

    async def _fund_demo_wallet(self) -> None:
        """Make or load the wallet; the first time, mine until a reward can be spent."""
        if WALLET not in await self.rpc("listwallets"):
            try:
                await self.rpc("loadwallet", WALLET)
            except NodeRefused:
                await self.rpc("createwallet", WALLET)
        missing = START_HEIGHT - await self.rpc("getblockcount")
        if missing > 0:
            await self.mine(missing)
