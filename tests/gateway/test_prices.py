"""Invalid prices are refused when the file is listed, with a code that says why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_harness import GatewayHarness
from sales import SEED, file_for_sale

from bitcache.identifiers import b64u
from bitcache.money import MAX_MONEY
from bitcache.sealing import manifest


async def listed_at(harness: GatewayHarness, price: str) -> Any:
    """Upload, then list with this price in the signed manifest, spelled exactly so."""
    made = file_for_sale()
    text = made.listing["manifest"].replace('"price_sat":2500', f'"price_sat":{price}')
    assert (await harness.announce(made.file_id, len(made.sealed))).status == 201
    await harness.send(made.file_id, 0, made.sealed)
    return await harness.create_listing(made, manifest=text, signature=b64u(manifest.sign(text, SEED)))


@pytest.mark.parametrize("price", ["0", "-1", "0.5", "2500.0", '"2500"', "true", "null", "1e4", str(MAX_MONEY + 1)])
async def test_no_price(harness: GatewayHarness, price: str) -> None:
    """0, negative, fractional, a string, above all coins."""
    got = await listed_at(harness, price)
    assert got.status == 400
    assert got.json["code"] in ("invalid_amount", "invalid_manifest")
    assert got.json["hint"]


async def test_under_dust(harness: GatewayHarness) -> None:
    """The network would not carry it; the answer says what it would."""
    got = await listed_at(harness, "293")
    assert (got.status, got.json["code"], got.json["dust_sat"]) == (400, "below_dust", 294)
    assert (await listed_at(harness, "294")).status == 201


@pytest.mark.parametrize("amount", [0, -1, 2.5, 2500.0, "2500", True, MAX_MONEY + 1])
async def test_amounts_in_json_are_whole_numbers(harness: GatewayHarness, amount: object) -> None:
    """A body's amount is refused before anything happens."""
    sold = await harness.sell(file_for_sale())
    _, purchase = await harness.begin(sold.file_id)
    body = json.dumps({"purchase_id": purchase["purchase_id"], "amount_sat": amount})
    got = await harness.call("POST", "/demo/pay", data=body, headers={"Content-Type": "application/json"})
    assert (got.status, got.json["code"], got.json["member"]) == (400, "bad_input", "amount_sat")
