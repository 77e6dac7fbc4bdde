"""A node on this machine is found with its cookie; whatever else listens there is not taken for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from support.loopback import on_loopback
from yarl import URL

from bitcache.chain_errors import NodeAuthFailed
from wallet.chain.discover_local_nodes import CORE, FoundNode, discover
from wallet.chain.regtest_node import RegtestNode


def only_regtest(port: int) -> dict[str, tuple[int, str]]:
    """Every network's port closed, but this."""
    return {network: (port if network == "regtest" else 1, sub) for network, (_, sub) in CORE.items()}


@pytest.mark.node
async def test_a_node_is_found_with_its_cookie(regtest: RegtestNode, tmp_path: Path) -> None:
    port = URL(regtest.url).port
    assert port is not None
    (node,) = await discover([tmp_path, regtest.datadir], only_regtest(port))
    height = await regtest.rpc("getblockcount")
    assert (node.network, node.url, node.cookie) == ("regtest", regtest.url, regtest.cookie)
    assert node.height is not None
    assert node.height <= height


@pytest.mark.node
async def test_a_node_whose_cookie_is_not_to_be_had(regtest: RegtestNode, tmp_path: Path) -> None:
    port = URL(regtest.url).port
    assert port is not None
    (node,) = await discover([tmp_path], only_regtest(port))
    assert isinstance(node.error, NodeAuthFailed)
    stale = tmp_path / "regtest" / ".cookie"
    stale.parent.mkdir()
    stale.write_text("__cookie__:of an older run")
    node, *_ = await discover([tmp_path, regtest.datadir], only_regtest(port))
    assert (node.cookie, node.error) == (regtest.cookie, None), "the next folder's cookie is tried"


@pytest.mark.node
async def test_a_node_on_another_networks_port_is_not_taken(regtest: RegtestNode) -> None:
    port = URL(regtest.url).port
    assert port is not None
    core = {"main": (port, "regtest")}
    assert await discover([regtest.datadir], core) == []


async def test_nothing_is_there(tmp_path: Path) -> None:
    assert await discover([tmp_path], {network: (1, sub) for network, (_, sub) in CORE.items()}) == []


@pytest.fixture
async def website() -> AsyncIterator[Callable[[], int]]:
    """Something else that listens."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="<h1>hello</h1>")

    async with on_loopback([web.post("/", hello)]) as host:
        yield lambda: int(host.rpartition(":")[2])


async def test_a_website_is_no_node(website: Callable[[], int], tmp_path: Path) -> None:
    nodes: list[FoundNode] = await discover([tmp_path], only_regtest(website()))
    assert nodes == []
