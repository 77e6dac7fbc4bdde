"""Two real Lightning wallets (Electrum) on a private chain, a channel between them, and a real relay to reach one by.

``seller`` receives by Nostr Wallet Connect; ``buyer`` pays.  From nothing to a paid channel takes some 20 seconds.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from support.ports import free_port

from bitcache.money import Sat
from wallet.chain.regtest_node import RegtestNode

T = TypeVar("T")

SUPPORT = Path(__file__).parent
CALL_SECONDS = 90
USER, PASSWORD = "u", "p"
#: Without a limit of its own the relay refuses the 61st event in a minute.
NOTES_A_MINUTE = 1_000_000


class Wallet:
    """An Electrum daemon, by its JSON-RPC."""

    def __init__(self, program: Path, folder: Path, port: int, config: dict[str, Any]) -> None:
        self._program, self._folder, self._port = program, folder, port
        path = folder / "regtest"
        path.mkdir(parents=True)
        (path / "config").write_text(json.dumps({**config, "rpcport": port}))

    def create(self) -> None:
        """Make the wallet's file."""
        self._run("--offline", "create")

    def start(self) -> None:
        """Run the daemon, its wallet loaded."""
        self._run("daemon", "-d")
        until(lambda: self.call("load_wallet") or True)

    def stop(self) -> None:
        """End the daemon."""
        self.call("stop")

    def call(self, method: str, **params: Any) -> Any:
        """Return what the daemon answers; raise RuntimeError for an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = _post(self._port, "/", body)
        if answer.get("error"):
            raise RuntimeError(str(answer["error"]))
        return answer["result"]

    def pay(self, invoice: str) -> dict[str, Any]:
        """Pay an invoice; the answer has the preimage."""
        paid: dict[str, Any] = self.call("lnpay", invoice=invoice)
        return paid

    def _run(self, *arguments: str) -> None:
        subprocess.run(
            [self._program, "--regtest", "-D", self._folder, *arguments],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env={**os.environ, "HOME": str(self._folder)},
        )


@dataclass
class LightningHarness:
    """``connection`` receives only; ``spending`` is one that may pay."""

    seller: Wallet
    buyer: Wallet
    connection: str
    spending: str
    relay: RelayProcess


class RelayProcess:
    """The relay, to be killed and started again."""

    def __init__(self, python: Path, port: int) -> None:
        self._python, self.port = python, port
        self.start()

    def start(self) -> None:
        """Serve; what was published before is forgotten."""
        script = SUPPORT / "nostr_local_relay.py"
        self._process = subprocess.Popen(
            [self._python, script, str(self.port), str(NOTES_A_MINUTE)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: listens(self.port))

    def kill(self) -> None:
        """End it without a word to anybody."""
        self._process.kill()
        self._process.wait()


@contextmanager
def lightning(programs: Path, folder: Path, node: RegtestNode, run: Callable[[Any], Any]) -> Iterator[LightningHarness]:
    """Yield both wallets with a channel.  ``run`` runs a coroutine of the node's to its end."""
    server_port, rpc_port, relay_port, seller_port, buyer_port, peer_port = (free_port() for _ in range(6))
    run(node.restart("-txindex=1"))
    until(lambda: run(node.rpc("getindexinfo"))["txindex"]["synced"])
    with ExitStack() as stack:
        server = _server(programs, folder, node, server_port, rpc_port)
        stack.callback(server.wait)
        stack.callback(server.kill)
        relay = RelayProcess(programs / "bin" / "relay-python", relay_port)
        stack.callback(relay.kill)
        config = _config(server_port, relay_port)
        electrum = programs / "bin" / "electrum"
        buyer = Wallet(electrum, folder / "buyer", buyer_port, config)
        listen = {"lightning_listen": f"127.0.0.1:{peer_port}"}
        seller = Wallet(electrum, folder / "seller", seller_port, {**config, **listen})
        until(lambda: listens(server_port))
        for wallet in (buyer, seller):
            wallet.create()
            wallet.start()
            stack.callback(wallet.stop)
        # First, because the wallets' plugin takes a while to listen for a new connection.
        connection = seller.call("nwc_add_connection", name="gateway", daily_limit_sat=0)
        spending = buyer.call("nwc_add_connection", name="payer", daily_limit_sat=1_000_000)
        _open_channel(buyer, seller, node, run)
        yield LightningHarness(seller, buyer, connection, spending, relay)


def _open_channel(buyer: Wallet, seller: Wallet, node: RegtestNode, run: Callable[[Any], Any]) -> None:
    run(node.pay(buyer.call("getunusedaddress"), Sat(100_000_000)))
    run(node.mine(1))
    until(lambda: float(buyer.call("getbalance").get("confirmed", 0)) >= 1)
    buyer.call("open_channel", connection_string=seller.call("nodeid"), amount="0.05", push_amount="0.01")
    run(node.mine(6))
    until(lambda: buyer.call("list_channels")[0]["state"] == "OPEN")
    first = seller.call("add_request", amount="0.000001", lightning=True)["lightning_invoice"]
    until(lambda: buyer.pay(first)["success"])


def _config(server_port: int, relay_port: int) -> dict[str, Any]:
    """Settings as a file: they must be there before the first start, or public relays are dialled."""
    relay = f"ws://127.0.0.1:{relay_port}"
    return {
        "config_version": 3,
        "server": f"127.0.0.1:{server_port}:t",
        "oneserver": True,
        "auto_connect": False,
        "use_gossip": True,
        "check_updates": False,
        "dont_show_testnet_warning": True,
        "test_force_disable_mpp": True,
        "nostr_relays": relay,
        "plugins": {"nwc": {"enabled": True, "relay": relay}},
        "rpcsock": "tcp",
        "rpchost": "127.0.0.1",
        "rpcuser": USER,
        "rpcpassword": PASSWORD,
    }


def _server(programs: Path, folder: Path, node: RegtestNode, port: int, rpc_port: int) -> subprocess.Popen[bytes]:
    data = folder / "server"
    data.mkdir()
    user, _, password = node.cookie.read_text().partition(":")
    settings = {
        "ALLOW_ROOT": "1",
        "COIN": "Bitcoin",
        "DB_ENGINE": "leveldb",
        "NET": "regtest",
        "DB_DIRECTORY": str(data),
        "DAEMON_URL": f"http://{user}:{password}@{node.url.removeprefix('http://')}/",
        "SERVICES": f"tcp://127.0.0.1:{port},rpc://127.0.0.1:{rpc_port}",
        "PEER_DISCOVERY": "off",
        "COST_SOFT_LIMIT": "0",
        "COST_HARD_LIMIT": "0",
        "CACHE_MB": "50",
        "HOME": str(data),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
    }
    log = (folder / "server.log").open("wb")
    program = programs / "bin" / "electrumx_server"
    return subprocess.Popen([program], env=settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def until(ready: Callable[[], T], seconds: float = 60) -> T:
    """Return the first true answer; errors meanwhile mean: not yet."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if answer := ready():
                return answer
        except (OSError, RuntimeError, http.client.HTTPException, ValueError, LookupError) as error:
            last = error
        time.sleep(0.1)
    raise TimeoutError(f"not ready after {seconds} s: {last}")


def listens(port: int) -> bool:
    """Return whether somebody answers at this port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.connect()
        return True
    finally:
        connection.close()


def _post(port: int, path: str, body: str) -> dict[str, Any]:
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CALL_SECONDS)
    try:
        connection.request("POST", path, body, {"Authorization": f"Basic {token}"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()
