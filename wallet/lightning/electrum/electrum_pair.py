"""A seller's and a buyer's Electrum on a private chain, with a channel between them: ready after some 10 seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitcache.money import Sat, btc_text
from wallet.chain.regtest_node import RegtestNode
from wallet.free_ports import free_ports
from wallet.lightning.electrum.electrum_daemon import ElectrumDaemon
from wallet.lightning.electrum.electrum_server import electrum_server
from wallet.lightning.electrum.private_relay import PrivateRelay
from wallet.lightning.electrum.wait_until import listens, wait_until

FUNDS = Sat(100_000_000)
CHANNEL, SELLERS_PART = Sat(5_000_000), Sat(1_000_000)
#: What the buyer's connection may spend in a day.
BUDGET = Sat(1_000_000)


@dataclass(frozen=True, slots=True)
class ElectrumPair:
    """``connection`` is the seller's, by Nostr Wallet Connect, and receives only; ``spending`` is the buyer's."""

    seller: ElectrumDaemon
    buyer: ElectrumDaemon
    relay: PrivateRelay
    connection: str
    spending: str
    version: str


@asynccontextmanager
async def electrum_pair(
    programs: Path, folder: Path, node: RegtestNode, say: Callable[[str], None] = lambda text: None
) -> AsyncIterator[ElectrumPair]:
    """Yield both wallets, able to pay; ``say`` is told each step; raise WalletError when they do not come up."""
    server_port, rpc_port, relay_port, seller_port, buyer_port, peer_port = free_ports(6)
    async with AsyncExitStack() as stack:
        say("Starting a server for Lightning wallets, and a Nostr relay")
        await node.restart("-txindex=1")
        await wait_until("the node's index", lambda: _is_indexed(node))
        server = electrum_server(programs / "bin" / "electrumx_server", folder / "server", node, server_port, rpc_port)
        stack.push_async_callback(asyncio.to_thread, server.end)
        relay = PrivateRelay(programs / "bin" / "relay-python", relay_port)
        stack.callback(relay.kill)
        await relay.start()
        await wait_until("the Electrum server", lambda: listens(server_port), server)
        say("Starting two Electrum wallets: the seller's and the buyer's")
        electrum, settings = programs / "bin" / "electrum", _settings(server_port, relay)
        listen = {"lightning_listen": f"127.0.0.1:{peer_port}"}
        buyer = ElectrumDaemon(electrum, folder / "buyer", buyer_port, settings)
        seller = ElectrumDaemon(electrum, folder / "seller", seller_port, settings | listen)
        for wallet in (buyer, seller):
            stack.push_async_callback(wallet.stop)
        await asyncio.gather(buyer.start(), seller.start())
        # First, because the wallets' plugin takes a while to listen for a new connection.
        connection = await seller.call("nwc_add_connection", name="gateway", daily_limit_sat=0)
        spending = await buyer.call("nwc_add_connection", name="payer", daily_limit_sat=int(BUDGET))
        say("Opening a Lightning channel between them")
        await _open_channel(buyer, seller, node)
        say("Paying a first invoice through it")
        first = await seller.call("add_request", amount=btc_text(Sat(100)), lightning=True)
        await wait_until("the channel", lambda: buyer.pay(first["lightning_invoice"]))
        version = str(await buyer.call("version"))
        yield ElectrumPair(seller, buyer, relay, connection, spending, version)


async def _open_channel(buyer: ElectrumDaemon, seller: ElectrumDaemon, node: RegtestNode) -> None:
    await node.pay(await buyer.call("getunusedaddress"), FUNDS)
    await node.mine()
    await wait_until("the buyer's coins", lambda: _has_coins(buyer))
    peer, amount, pushed = await seller.call("nodeid"), btc_text(CHANNEL), btc_text(SELLERS_PART)
    await buyer.call("open_channel", connection_string=peer, amount=amount, push_amount=pushed)
    await node.mine(6)
    await wait_until("the channel", lambda: _is_open(buyer))


async def _has_coins(wallet: ElectrumDaemon) -> bool:
    return float((await wallet.call("getbalance")).get("confirmed", 0)) >= 1


async def _is_open(wallet: ElectrumDaemon) -> bool:
    return bool((await wallet.call("list_channels"))[0]["state"] == "OPEN")


async def _is_indexed(node: RegtestNode) -> bool:
    return bool((await node.rpc("getindexinfo"))["txindex"]["synced"])


def _settings(server_port: int, relay: PrivateRelay) -> dict[str, Any]:
    return {
        "config_version": 3,
        "server": f"127.0.0.1:{server_port}:t",
        "oneserver": True,
        "auto_connect": False,
        "use_gossip": True,
        "check_updates": False,
        "dont_show_testnet_warning": True,
        "test_force_disable_mpp": True,
        "nostr_relays": relay.url,
        "plugins": {"nwc": {"enabled": True, "relay": relay.url}},
    }
