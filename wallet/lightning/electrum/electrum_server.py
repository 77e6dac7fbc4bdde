"""The server that Electrum asks about the chain: e-x over a private node."""

from __future__ import annotations

from pathlib import Path

from wallet.chain.regtest_node import RegtestNode
from wallet.guarded_process import GuardedProcess


def electrum_server(program: Path, folder: Path, node: RegtestNode, port: int, rpc_port: int) -> GuardedProcess:
    """Start it at ``port``; ``rpc_port`` is its own.  The node needs an index of all transactions (``-txindex=1``)."""
    data = folder / "data"
    data.mkdir(parents=True)
    user, _, password = node.cookie.read_text().partition(":")
    environment = {
        "ALLOW_ROOT": "1",
        "COIN": "Bitcoin",
        "NET": "regtest",
        "DB_ENGINE": "leveldb",
        "DB_DIRECTORY": str(data),
        "DAEMON_URL": f"http://{user}:{password}@{node.url.removeprefix('http://')}/",
        "SERVICES": f"tcp://127.0.0.1:{port},rpc://127.0.0.1:{rpc_port}",
        "PEER_DISCOVERY": "off",
        "COST_SOFT_LIMIT": "0",
        "COST_HARD_LIMIT": "0",
        "CACHE_MB": "50",
        # Every 5 seconds by default: most of what a channel would wait for.
        "DAEMON_POLL_INTERVAL_BLOCKS": "200",
        "DAEMON_POLL_INTERVAL_MEMPOOL": "200",
        "HOME": str(data),
    }
    return GuardedProcess([program], environment, folder / "server.log")
