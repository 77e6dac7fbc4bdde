"""The OpenAPI document: complete, and true of what is answered."""

from __future__ import annotations

import re
from typing import Any

from gateway_harness import GatewayHarness
from sales import file_for_sale

from gateway.api import models
from gateway.api.openapi import OPERATIONS, PREFIX, document
from gateway.server.app import make_app


async def test_every_route_is_described(harness: GatewayHarness) -> None:
    """The routes under /api/v1 and the operations are the same set."""
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in make_app(harness.context).router.routes()
        if route.resource and route.resource.canonical.startswith(PREFIX)
    }
    described = {(operation.method, PREFIX + operation.path) for operation in OPERATIONS}
    assert routes - {("options", PREFIX + "/uploads/{file_id}")} == described


async def test_served(harness: GatewayHarness) -> None:
    """The document is 3.1, and every reference in it resolves."""
    got = (await harness.call("GET", "/openapi.json")).json
    assert got["openapi"] == "3.1.0"
    assert got == document(harness.context.settings.public_url, demo=True)
    schemas = got["components"]["schemas"]
    for reference in references(got):
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_a_real_gateway_lists_no_demonstration() -> None:
    """Neither the call nor the models that only it uses."""
    real, shown = (document("https://gateway.example", demo=demo) for demo in (False, True))
    assert set(shown["paths"]) - set(real["paths"]) == {"/api/v1/demo/pay"}
    assert {"DemoPayment", "DemoPaid"} == set(shown["components"]["schemas"]) - set(real["components"]["schemas"])


async def test_every_id_has_a_pattern_that_the_gateway_holds(harness: GatewayHarness) -> None:
    """An id that the document forbids is refused by the call, and one of our own fits."""
    sold = await harness.sell(file_for_sale())
    parameters = [
        (path, parameter["name"], parameter["schema"])
        for path, operations in document("https://gateway.example", demo=True)["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if parameter["name"].endswith("_id") or parameter["name"] == "after"
    ]
    assert {name for _, name, _ in parameters} == {"file_id", "purchase_id", "after"}
    for _, _, schema in parameters:
        assert re.search(schema["pattern"], sold.file_id)
        assert not any(
            re.search(schema["pattern"], bad)
            for bad in ("", "x", sold.file_id + "A", sold.file_id[:-1] + "=", sold.file_id[:-1] + "\n")
        )
    for path in ("/files/x", "/purchases/x", "/listings?after=x"):
        assert (await harness.call("GET", path, harness.token)).status in (400, 404)


def references(node: Any) -> list[str]:
    """Every ``$ref`` below ``node``."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in references(value)]
    return [reference for value in node for reference in references(value)] if isinstance(node, list) else []


async def test_answers_fit_their_schemas(harness: GatewayHarness) -> None:
    """Real answers, validated strictly against the models that the document is made of, and with no member beside."""
    sold = await harness.sell(file_for_sale())
    claim, purchase = await harness.begin(sold.file_id)
    asked = {
        "/seller": (models.SellerInfo, harness.token),
        "/listings": (models.Listings, harness.token),
        f"/files/{sold.file_id}": (models.File, None),
        f"/purchases/{purchase['purchase_id']}": (models.Purchase, None),
        "/claim": (models.Purchase, claim),
        "/share": (models.PaymentTerms, claim),
        "/nope": (models.Problem, None),
        "/healthz": (models.Health, None),
    }
    for path, (model, secret) in asked.items():
        got = await harness.call("GET", path, secret)
        fits = model.model_validate_json(got.body)
        assert set(got.json) == set(fits.model_dump())
    await harness.pay(purchase)
    models.Share.model_validate_json((await harness.call("GET", "/share", claim)).body)
