"""Peers that lie to get a file without paying, end to end over HTTP: nothing is released, and sales go on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from gateway_harness import Client, settings_in
from sales import file_for_sale
from support.accounts import BIP84_ZPUB, fresh_account
from support.answers import address_in
from support.eventually import eventually
from support.market import key_of
from support.peer_chain import PeerChain
from support.peer_server import Message, PeerServer, serving

from bitcache.identifiers import b64u, claim_hash, new_secret
from bitcache.issue_invoices import InvoiceIssuer
from bitcache.money import Sat
from bitcache.purchase_requests import PurchaseRequest
from gateway.compose import check_payout, init_data_folder, running
from gateway.context import GatewayContext
from gateway.server.app import listening
from wallet.chain.light.consensus import RULES
from wallet.chain.regtest_node import RegtestNode

#: The released file came 0.3 to 0.6 s after the announcement, while this was possible.
PATIENCE_SECONDS = 5
EASY = 0x207FFFFF


@asynccontextmanager
async def gateway(
    folder: Path, network: str, peers: Sequence[str], account: str
) -> AsyncIterator[tuple[Client, GatewayContext]]:
    """A gateway on the light client, with these peers and no others; what a program sees, and its context."""
    chain = {"source": "light", "light_peers": list(peers), "light_connections": 2}
    settings = settings_in(folder, bitcoin={"network": network}, chain=chain)
    token = await init_data_folder(settings, terms=await check_payout(settings, account))
    async with running(settings) as context, listening(context) as url, aiohttp.ClientSession() as http:
        yield Client(url, token, http), context


async def released(client: Client, claim: str) -> bool:
    """Whether the share was handed out."""
    return (await client.call("GET", "/share", claim)).status == 200


async def released_soon(client: Client, claim: str) -> bool:
    """Whether the share is handed out within some seconds."""
    try:
        await eventually(lambda: released(client, claim), PATIENCE_SECONDS)
    except AssertionError:
        return False
    return True


async def healthy(client: Client) -> bool:
    return (await client.call("GET", "/healthz")).status == 200


def repeat_filter_headers(liar: PeerServer) -> None:
    """Say everything twice, to be counted as two peers."""
    liar.answers["getcfheaders"] = lambda payload: liar.answer_getcfheaders(payload) * 2


@pytest.mark.node
@pytest.mark.parametrize("amount", [2_500, 1_000_000])
async def test_one_lying_peer_of_two(tmp_path: Path, own_regtest: RegtestNode, amount: int) -> None:
    """Beside a real node; on regtest its blocks cost nothing, so only what the other peer has may count."""
    await own_regtest.mine()
    truth = await PeerChain.of_node(RULES["regtest"], own_regtest)
    account = fresh_account()
    async with serving("regtest", truth) as (liar,):
        repeat_filter_headers(liar)
        peers = [liar.address, "{}:{}".format(*own_regtest.p2p)]
        async with gateway(tmp_path, "regtest", peers, account.text) as (client, _):
            await eventually(lambda: healthy(client))
            sold = await client.sell(file_for_sale(price_sat=amount))
            unpaid, purchase = await client.begin(sold.file_id)
            script = bytes.fromhex((await own_regtest.rpc("validateaddress", address_in(purchase)))["scriptPubKey"])
            forged = truth.fork()
            forged.mine([(amount, script)])
            for _ in range(3):
                forged.mine()
            liar.announce(forged)
            assert not await released_soon(client, unpaid)
            await own_regtest.mine(6)  # more work than the lie
            assert not await healthy(client), "the liar has not come back to the chain: one peer is not enough"
            liar.announce(await PeerChain.of_node(RULES["regtest"], own_regtest))
            await eventually(lambda: healthy(client))
            paid, purchase = await client.begin(sold.file_id)
            await own_regtest.pay(address_in(purchase), Sat(purchase["amount_sat"]))
            await own_regtest.mine(3)
            liar.announce(await PeerChain.of_node(RULES["regtest"], own_regtest))
            await eventually(lambda: released(client, paid))
            assert not await released(client, unpaid)


class OneHeaderAMessage(PeerServer):
    """Gives nothing to compare a header with."""

    def answer_getheaders(self, payload: bytes) -> list[Message]:
        self.headers_at_once = 1
        return super().answer_getheaders(payload)


@pytest.mark.parametrize("other", ["lies", "is down"])
async def test_lying_peers_on_the_main_network(tmp_path: Path, other: str) -> None:
    """Blocks without the network's work are not followed, whoever shows them, and health says why sales wait."""
    forged, now = PeerChain(RULES["main"]), int(time.time())
    for number in range(40):
        forged.mine(bits=EASY, when=now - 24_000 + number * 600)
    async with serving("main", forged, forged, kind=OneHeaderAMessage) as liars:
        peers = [liars[0].address, liars[1].address if other == "lies" else "127.0.0.1:1"]
        async with gateway(tmp_path, "main", peers, BIP84_ZPUB) as (client, context):
            sold = await client.sell(file_for_sale())
            asked = {"claim_hash": b64u(claim_hash(new_secret()))}
            got = await client.call("POST", f"/files/{sold.file_id}/purchases", json=asked)
            assert (got.status, got.json["reason"]) == (409, "catching_up"), "nobody is asked to pay meanwhile"
            unpaid = new_secret()  # an invoice from before
            issuer = InvoiceIssuer(context.store, context.rails, context.policy, context.journal)
            purchase, _ = await issuer.create_one(PurchaseRequest(sold.file_id, claim_hash(unpaid)), now)
            paying = forged.fork()
            paying.mine([(2_500, key_of(purchase, "onchain"))], bits=EASY, when=now)
            for liar in liars:
                liar.announce(paying)
            assert not await released_soon(client, unpaid)
            health = await client.call("GET", "/healthz")
            assert (health.status, health.json["node"]["ok"], health.json["node"]["synced"]) == (503, False, False)
            assert health.json["node"]["error"] in ("peer_misbehaved", "node_unreachable")
            assert all(liar.connections <= 2 for liar in liars), "they are remembered, not asked again and again"
