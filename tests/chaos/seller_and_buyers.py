"""The gateway's data folder, its seller, what is on sale, and buyers: all over the real HTTP API."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from support.accounts import descriptor
from support.answers import address_in

from bitcache.identifiers import b64u, unb64u
from chaos.gateway import GatewayProcess, Unreachable
from chaos.reference import Invoice
from chaos.rpc import Rpc
from gateway import compose
from gateway.client import gateway_client, sell_file
from gateway.config import load_settings

#: Price in satoshis of each file on sale, and what depth its invoices ask; the cheapest are released when seen.
PRICES = {2_000: 0, 3_001: 1, 5_003: 2, 12_345: 3}
EXPIRY_SECONDS = 60
ZERO_CONF_BELOW = 2_500
#: A loss budget that no run uses up.
ENDLESS_SAT = 1_000_000_000

CONFIG = """
[bitcoin]
network = "regtest"
[chain]
rpc_url = "{rpc_url}"
rpc_cookie = "{cookie}"
zmq_rawtx = "{zmq}"
[server]
port = {port}
[storage]
directory = "{data}"
min_free_bytes = 0
max_file_bytes = 1048576
[invoices]
expiry_seconds = {expiry}
confirmations = [[0, 1], [4000, 2], [10000, 3]]
zero_conf_below_sat = {zero_conf_below}
zero_conf_budget_sat = {zero_conf_budget}
cap_per_buyer = 1000000
cap_per_listing = 1000000
cap_per_account = 1000000
cap_in_all = 1000000
wallet_gap_limit = 1000000
longest_unpaid_run = 1000000
[log]
format = "json"
"""


def set_up(config: Path) -> str:
    """Keys, database, and the seller's token."""
    return asyncio.run(compose.init_data_folder(load_settings.load(config), "chaos"))


def connect_wallet(gateway: GatewayProcess, token: str, connection: str) -> None:
    """Invoices of the seller can be paid by Lightning, too."""
    answer = gateway.ask("PUT", "/api/v1/seller/connection", {"connection": connection}, token, timeout=60)
    assert answer.status == 200, answer.json


def put_on_sale(gateway: GatewayProcess, token: str, folder: Path) -> list[str]:
    """A payout and a few sealed files on sale; their ids."""
    answer = gateway.ask("PUT", "/api/v1/seller/payout", {"descriptor": descriptor("wpkh")}, token)
    assert answer.status == 200, answer.json
    return asyncio.run(_list_files(gateway.url, token, folder))


async def _list_files(url: str, token: str, folder: Path) -> list[str]:
    files = []
    async with gateway_client.connect(url) as client:
        for price in PRICES:
            path = folder / f"{price}.txt"
            path.write_text(f"worth {price} sat")
            sold = await sell_file.sell(client, token, bytes(32), sell_file.FileToSell(path, price, path.name))
            files.append(str(sold.link.file_id))
    return files


def claim_hash(claim: str) -> str:
    """What the gateway may know of a claim."""
    return b64u(hashlib.sha256(b"bitcache/v1 claim" + unb64u(claim)).digest())


def ask_for_invoice(gateway: GatewayProcess, file_id: str, claim: str) -> dict[str, Any] | None:
    """A purchase as the buyer is shown it, or None when the gateway cannot give one now.  Safe in a thread."""
    try:
        answer = gateway.ask("POST", f"/api/v1/files/{file_id}/purchases", {"claim_hash": claim_hash(claim)})
    except Unreachable:
        return None
    if answer.status not in (200, 201):
        catching_up = answer.status == 409 and answer.json.get("reason") == "catching_up"
        is_busy = answer.status == 429 and answer.json.get("code") == "too_many_requests"  # all buyers share an address
        assert catching_up or is_busy or answer.status in (503, 507), (
            f"a purchase was refused: {answer.status} {answer.json}"
        )
        return None
    shown: dict[str, Any] = answer.json
    return shown


def as_invoice(shown: dict[str, Any], claim: str, node: Rpc) -> Invoice:
    """What the reference needs to know of it."""
    assert PRICES[shown["amount_sat"]] == shown["confirmations_required"], shown
    return Invoice(
        purchase_id=shown["purchase_id"],
        claim=claim,
        file_id=shown["file_id"],
        script=str(node("validateaddress", address_in(shown))["scriptPubKey"]),
        address=address_in(shown),
        amount=shown["amount_sat"],
        confirmations=shown["confirmations_required"],
        expires_at=shown["expires_at"],
    )


def share_hash(gateway: GatewayProcess, file_id: str) -> str:
    """The hash of the share that the seller signed."""
    answer = gateway.ask("GET", f"/api/v1/files/{file_id}")
    return str(json.loads(answer.json["manifest"])["share_hash"])


def hash_of_share(share: str) -> str:
    """docs/protocol.md §2."""
    return b64u(hashlib.sha256(b"bitcache/v1 share" + unb64u(share)).digest())
