"""The OpenAPI 3.1 document, made from the models and the table of operations below.

A test holds the table against the routes of the application, and answers against the schemas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from bitcache import __version__
from gateway.api import account_models, listing_models, models, sales_models
from gateway.api.paging import LARGEST_PAGE, PAGE
from gateway.api.sales import MOST_DAYS, USUAL_DAYS
from gateway.context import context_of

PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"

Content = type[BaseModel] | str | None


@dataclass(frozen=True)
class Operation:
    """One call: who may make it, what it takes and what it gives.  A string is a media type, None no body.

    ``query`` holds the JSON schema of each parameter of the query.  ``demo``: there in demonstrations alone.
    """

    method: str
    path: str
    summary: str
    answers: Mapping[int, Content]
    takes: Content = None
    secret: str | None = None
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    demo: bool = False


_SELLER, _CLAIM = "seller", "claim"
_NUMBER = {"type": "integer", "minimum": 1}
#: Every other id in a path: 16 bytes as base64url.
_ID: dict[str, Any] = TypeAdapter(models.B64u16).json_schema()
_OCTETS, _TUS = "application/octet-stream", "application/offset+octet-stream"

OPERATIONS = (
    Operation("get", "/seller", "The seller who asks", {200: models.SellerInfo}, secret=_SELLER),
    Operation(
        "post",
        "/seller/payout/check",
        "Where one would be paid; changes nothing",
        {200: models.PayoutCheck},
        takes=models.PayoutRequest,
        secret=_SELLER,
    ),
    Operation(
        "put",
        "/seller/payout",
        "Where to be paid",
        {200: models.Payout, 202: models.Payout},
        takes=models.PayoutRequest,
        secret=_SELLER,
    ),
    Operation(
        "post",
        "/seller/connection/check",
        "A wallet to be asked for invoices, tried; changes nothing",
        {200: models.WalletConnection},
        takes=models.ConnectRequest,
        secret=_SELLER,
    ),
    Operation(
        "put",
        "/seller/connection",
        "A wallet to be asked for invoices",
        {200: models.WalletConnection, 202: models.WalletConnection},
        takes=models.ConnectRequest,
        secret=_SELLER,
    ),
    Operation("delete", "/seller/connection", "Ask no wallet any more", {204: None}, secret=_SELLER),
    Operation("delete", "/seller/payout/change", "Cancel a change that waits", {204: None}, secret=_SELLER),
    Operation(
        "post",
        "/accounts",
        "Sign up",
        {201: account_models.Secret, 429: models.Busy},
        takes=account_models.SignUp,
    ),
    Operation("get", "/account", "Sessions, tokens and events", {200: account_models.Account}, secret=_SELLER),
    Operation(
        "patch",
        "/account",
        "How long a change of payout waits",
        {200: account_models.Account},
        takes=account_models.ChangeAccount,
        secret=_SELLER,
    ),
    Operation("get", "/account/index", "The sealed index", {200: _OCTETS}, secret=_SELLER),
    Operation(
        "put",
        "/account/index",
        "Keep a sealed index",
        {200: account_models.IndexVersion},
        takes=_OCTETS,
        secret=_SELLER,
    ),
    Operation(
        "post", "/sessions", "Sign in", {201: account_models.Secret}, takes=account_models.BeginSession, secret=_SELLER
    ),
    Operation("delete", "/session", "Sign out", {204: None}, secret=_SELLER),
    Operation(
        "post",
        "/tokens",
        "A token for a program",
        {201: account_models.Secret},
        takes=account_models.MakeToken,
        secret=_SELLER,
    ),
    Operation("post", "/tokens/{id}/rotate", "A new secret for it", {200: account_models.Secret}, secret=_SELLER),
    Operation("delete", "/tokens/{id}", "End a session or a token", {204: None}, secret=_SELLER),
    Operation("options", "/uploads", "What this tus server can do", {204: None}),
    Operation("post", "/uploads", "Begin an upload (tus creation)", {201: None}, secret=_SELLER),
    Operation("head", "/uploads/{file_id}", "How far an upload is", {200: None}, secret=_SELLER),
    Operation("patch", "/uploads/{file_id}", "The next bytes", {204: None}, takes=_TUS, secret=_SELLER),
    Operation("delete", "/uploads/{file_id}", "Forget an unlisted upload", {204: None}, secret=_SELLER),
    Operation(
        "post",
        "/uploads/{file_id}",
        "The method that X-HTTP-Method-Override names: HEAD, PATCH or DELETE",
        {204: None},
        takes=_TUS,
        secret=_SELLER,
    ),
    Operation(
        "post", "/listings", "Put a file on sale", {201: models.Listing}, takes=models.ListingRequest, secret=_SELLER
    ),
    Operation(
        "get",
        "/listings",
        "A page of the seller's files on sale",
        {200: models.Listings},
        secret=_SELLER,
        query={
            "limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE},
            "after": _ID | {"description": "the file id after which the page begins"},
        },
    ),
    Operation(
        "put",
        "/listings/{file_id}",
        "Change price or description",
        {200: models.Listing},
        takes=listing_models.ListingChange,
        secret=_SELLER,
    ),
    Operation(
        "patch",
        "/listings/{file_id}",
        "Sell a file, pause it, withdraw it for good, or limit its sales",
        {200: models.Listing},
        takes=listing_models.PatchListing,
        secret=_SELLER,
    ),
    Operation("delete", "/listings/{file_id}", "Withdraw and delete a file", {200: models.Listing}, secret=_SELLER),
    Operation(
        "get",
        "/listings/{file_id}/bytes",
        "The sealed bytes of one's own file, or a range of them",
        {200: _OCTETS, 206: _OCTETS, 304: None, 416: models.Problem},
        secret=_SELLER,
    ),
    Operation("head", "/listings/{file_id}/bytes", "Their size and ETag", {200: None}, secret=_SELLER),
    Operation(
        "post",
        "/listings/{file_id}/share",
        "The gateway's share of one's own file",
        {200: models.Share},
        takes=listing_models.Proof,
        secret=_SELLER,
    ),
    Operation(
        "get",
        "/sales",
        "A page of the seller's sales",
        {200: sales_models.SalesPage},
        secret=_SELLER,
        query={
            "limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE},
            "after": _ID | {"description": "the purchase id after which the page begins"},
        },
    ),
    Operation(
        "get",
        "/sales/days",
        "What each day brought, by rail",
        {200: sales_models.SalesByDay},
        secret=_SELLER,
        query={"days": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": USUAL_DAYS}},
    ),
    Operation("get", "/files/{file_id}", "A file before it is paid", {200: models.File}),
    Operation(
        "post", "/files/{file_id}/reports", "Report it to the operator", {204: None}, takes=listing_models.NewReport
    ),
    Operation("get", "/files/{file_id}/preview", "The sealed preview", {200: _OCTETS}),
    Operation("get", "/files/{file_id}/groups", "The group hashes", {200: _OCTETS}),
    Operation(
        "get",
        "/files/{file_id}/bytes",
        "The sealed bytes, or a range of them",
        {200: _OCTETS, 206: _OCTETS, 304: None, 402: models.PaymentTerms, 416: models.Problem},
        secret=_CLAIM,
    ),
    Operation("head", "/files/{file_id}/bytes", "Their size and ETag", {200: None, 402: None}, secret=_CLAIM),
    Operation(
        "post",
        "/files/{file_id}/purchases",
        "Begin a purchase",
        {201: models.Purchase, 200: models.Purchase, 429: models.Busy},
        takes=models.CreatePurchase,
    ),
    Operation("get", "/purchases/{purchase_id}", "A purchase and its invoice", {200: models.Purchase}),
    Operation("get", "/purchases/{purchase_id}/events", "The same as it changes", {200: "text/event-stream"}),
    Operation("get", "/purchases/{purchase_id}/qr.svg", "The invoice as a QR code", {200: "image/svg+xml"}),
    Operation(
        "post",
        "/purchases/{purchase_id}/payment-requests",
        "A further way to pay",
        {200: models.Purchase, 429: models.Busy},
        takes=models.AddPaymentRequest,
        secret=_CLAIM,
    ),
    Operation(
        "post",
        "/purchases/{purchase_id}/receipt",
        "A proof of payment from the buyer's wallet",
        {200: models.Purchase},
        takes=models.Receipt,
        secret=_CLAIM,
    ),
    Operation("get", "/claim", "The purchase that a claim belongs to", {200: models.Purchase}, secret=_CLAIM),
    Operation("get", "/share", "The gateway's share", {200: models.Share, 402: models.PaymentTerms}, secret=_CLAIM),
    Operation(
        "post",
        "/demo/pay",
        "Demonstrations alone: the demo wallet pays",
        {202: models.DemoPaid},
        takes=models.DemoPayment,
        demo=True,
    ),
    Operation("get", "/openapi.json", "This document", {200: "application/json"}),
)


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [web.get(f"{PREFIX}/openapi.json", serve, allow_head=False)]


async def serve(request: web.Request) -> web.Response:
    """Send the document."""
    context = context_of(request)
    return web.json_response(document(context.settings.public_url, demo=context.demo))


def document(origin: str, *, demo: bool) -> dict[str, Any]:
    """Return the OpenAPI document of a gateway at ``origin``: the calls that it answers, and no others."""
    operations = [operation for operation in OPERATIONS if demo or not operation.demo]
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bitcache", "version": __version__, "license": {"name": "AGPL-3.0-or-later"}},
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {
                _SELLER: {"type": "http", "scheme": "bearer", "description": "the seller's token"},
                _CLAIM: {"type": "http", "scheme": "bearer", "description": "the buyer's claim secret"},
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{operation.method}{operation.path}").strip("_"),
        "responses": {str(status): _answer(status, content) for status, content in operation.answers.items()},
    }
    document["responses"]["default"] = _answer(0, models.Problem)
    if parameters := _parameters(operation):
        document["parameters"] = parameters
    if operation.takes is not None:
        document["requestBody"] = {"required": True, "content": _content(operation.takes)}
    if operation.secret is not None:
        document["security"] = [{operation.secret: []}]
    return document


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    """Return those of the path, ids and numbers, and those of the query."""
    names = re.findall(r"{(\w+)}", operation.path)
    path = [
        {"name": name, "in": "path", "required": True, "schema": _NUMBER if name == "id" else _ID} for name in names
    ]
    query = [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    return [*path, *query]


def _answer(status: int, content: Content) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": str(status) if status else "a problem"}
    if content is not None:
        answer["content"] = _content(content)
    return answer


def _content(content: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(content, str):
        return {content: {}}
    media_type = "application/problem+json" if issubclass(content, models.Problem) else "application/json"
    return {media_type: {"schema": {"$ref": _REF.format(model=content.__name__)}}}


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    used: set[type[BaseModel]] = {models.Problem}
    for operation in operations:
        used.update(content for content in (*operation.answers.values(), operation.takes) if isinstance(content, type))
    ordered = sorted(used, key=lambda model: model.__name__)
    _, top = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    schemas: dict[str, Any] = top["$defs"]
    return schemas
