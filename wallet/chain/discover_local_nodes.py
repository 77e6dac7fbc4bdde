"""Looks for Bitcoin nodes on this machine: the usual folders, cookies and ports of every network."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bitcache.chain_errors import ChainError, NodeAuthFailed, NodeCallForbidden, NodeWarmingUp
from wallet.chain import node_answers
from wallet.chain.node_rpc import NodeRpc

#: Where Bitcoin Core listens and keeps its cookie, by network.
CORE: Mapping[str, tuple[int, str]] = {
    "main": (8332, ""),
    "test": (18332, "testnet3"),
    "testnet4": (48332, "testnet4"),
    "signet": (38332, "signet"),
    "regtest": (18443, "regtest"),
}
ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class FoundNode:
    """A node that answers at ``url``.  With ``error`` it does not let us in, or is starting."""

    network: str
    url: str
    cookie: Path | None
    height: int | None = None
    error: ChainError | None = None


def usual_folders() -> list[Path]:
    """Return where Bitcoin Core, its packages and its services keep their data."""
    home = Path.home()
    folders = [home / ".bitcoin", home / "snap/bitcoin-core/common/.bitcoin", Path("/var/lib/bitcoind")]
    return [home / "Library/Application Support/Bitcoin", *folders] if sys.platform == "darwin" else folders


async def discover(
    folders: Sequence[Path] | None = None, core: Mapping[str, tuple[int, str]] = CORE, host: str = "127.0.0.1"
) -> list[FoundNode]:
    """Return every node that answers on this machine, in the order of the networks."""
    places = usual_folders() if folders is None else folders
    nodes = await asyncio.gather(
        *(_look(network, f"http://{host}:{core[network][0]}", _cookies(places, core[network][1])) for network in core)
    )
    return [node for node in nodes if node is not None]


def _cookies(folders: Sequence[Path], sub: str) -> list[Path]:
    """Return those that are there; the first is tried first."""
    return [path for folder in folders if _exists(path := folder / sub / ".cookie")]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that we may not look into
        return False


async def _look(network: str, url: str, cookies: Sequence[Path]) -> FoundNode | None:
    """Return the node at one address, with the first cookie that it takes."""
    refused: FoundNode | None = None
    for cookie in [*cookies, None]:
        try:
            height = await _height(network, url, cookie)
        except (NodeAuthFailed, NodeCallForbidden, NodeWarmingUp) as error:
            refused = refused or FoundNode(network, url, cookie, error=error)
        except ChainError:
            continue
        else:
            return FoundNode(network, url, cookie, height) if height is not None else None
    return refused


async def _height(network: str, url: str, cookie: Path | None) -> int | None:
    """Return its height; None when it follows another network than its port says."""
    async with NodeRpc(url, cookie=cookie, timeout=ANSWER_SECONDS) as rpc:
        answer = await rpc.call("getblockchaininfo")
    info = node_answers.chain_info(answer)
    return info.blocks if info.chain == network else None
