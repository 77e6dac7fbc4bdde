"""Accounts over HTTP: signing up, sessions, tokens and their scopes, the index; a session cannot move the money."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_harness import Answer, GatewayHarness, Open
from sales import file_for_sale
from support.accounts import BIP84_ZPUB, descriptor, fresh_account
from support.eventually import eventually

from bitcache import accounts
from bitcache.account_code import new_account_code, parse, token_of
from bitcache.identifiers import b64u, new_file_id, new_secret
from bitcache.proof_of_work import solve
from bitcache.sign_up_limits import FREE_SHARED
from gateway.compose import maintenance
from wallet.lightning.simulated_lightning import SCHEME

PAYOUT = "/seller/payout"


@pytest.fixture
async def open_door(open_one: Open, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gateway where anybody may sign up."""
    monkeypatch.setattr(maintenance, "CHANGES_SECONDS", 0.2)
    async with open_one(accounts={"sign_up": "open"}) as harness:
        yield harness


def fresh_token() -> str:
    """The token of a new account code."""
    return token_of(parse(new_account_code()))


async def sign_up(harness: GatewayHarness, token: str, **more: Any) -> Answer:
    """Ask for an account."""
    return await harness.call("POST", "/accounts", json={"token": token, "name": "Bob", **more})


async def signed_up(harness: GatewayHarness) -> tuple[str, str]:
    """A new seller's token and session."""
    token = fresh_token()
    got = await sign_up(harness, token)
    assert got.status == 201, got.body
    return token, got.json["token"]


async def be_paid(harness: GatewayHarness, secret: str, **more: Any) -> Answer:
    """Ask to be paid at a fresh account."""
    return await harness.call("PUT", PAYOUT, secret, json={"descriptor": fresh_account().text, **more})


async def test_a_new_seller_sells_and_the_old_one_sees_nothing_of_it(open_door: GatewayHarness) -> None:
    _, session = await signed_up(open_door)
    assert (await open_door.call("GET", "/seller", session)).json["name"] == "Bob"
    assert (await be_paid(open_door, session)).status == 200
    old, open_door.token = open_door.token, session
    sold = await open_door.sell(file_for_sale())
    await open_door.begin(sold.file_id)
    assert len((await open_door.call("GET", "/listings", session)).json["listings"]) == 1
    assert (await open_door.call("GET", "/listings", old)).json["listings"] == []


async def test_one_signs_in_again_and_out(open_door: GatewayHarness) -> None:
    token, first = await signed_up(open_door)
    second = await open_door.call("POST", "/sessions", token, json={"name": "Firefox on Linux"})
    assert second.status == 201
    shown = (await open_door.call("GET", "/account", second.json["token"])).json
    assert [(session["name"], session["current"]) for session in shown["tokens"]] == [
        ("Firefox on Linux", True),
        ("a browser", False),
    ]
    assert [event["kind"] for event in shown["events"]] == ["signed_in", "signed_up"]
    assert (await open_door.call("DELETE", "/session", first)).status == 204
    assert (await open_door.call("GET", "/seller", first)).status == 401
    [left] = (await open_door.call("GET", "/account", token)).json["tokens"]
    assert (await open_door.call("DELETE", f"/tokens/{left['id']}", token)).status == 204
    assert (await open_door.call("GET", "/seller", second.json["token"])).status == 401
    assert (await open_door.call("POST", "/sessions", fresh_token(), json={"name": "x"})).status == 401


async def test_a_session_is_not_enough_to_begin_another(open_door: GatewayHarness) -> None:
    """Whoever took it over would stay after it was revoked."""
    _, session = await signed_up(open_door)
    got = await open_door.call("POST", "/sessions", session, json={"name": "x"})
    assert (got.status, got.json["code"]) == (403, "scope_missing")


CALLS = (
    ("GET", "/seller", "read", None),
    ("GET", "/listings", "read", None),
    ("GET", "/sales", "read", None),
    ("GET", "/sales/days", "read", None),
    ("POST", "/listings", "sell", {}),
    ("PUT", "/listings/AAAAAAAAAAAAAAAAAAAAAA", "sell", {}),
    ("PATCH", "/listings/AAAAAAAAAAAAAAAAAAAAAA", "sell", {}),
    ("DELETE", "/listings/AAAAAAAAAAAAAAAAAAAAAA", "sell", None),
    ("GET", "/listings/AAAAAAAAAAAAAAAAAAAAAA/bytes", "read", None),
    ("POST", "/uploads", "sell", None),
    ("GET", "/account", "account", None),
    ("GET", "/account/index", "account", None),
    ("PUT", "/account/index", "account", None),
    ("POST", "/tokens", "account", {"name": "x", "scope": "sell"}),
    ("POST", "/seller/connection/check", "account", {"connection": "x"}),
    ("PUT", "/seller/connection", "account", {"connection": "x"}),
    ("DELETE", "/seller/connection", "account", None),
    ("PUT", PAYOUT, "account", {"descriptor": "x"}),
    ("DELETE", f"{PAYOUT}/change", "account", None),
)


@pytest.mark.parametrize(("method", "path", "scope", "body"), CALLS, ids=lambda value: str(value))
async def test_tokens_do_no_more_than_they_may(
    open_door: GatewayHarness, method: str, path: str, scope: str, body: Any
) -> None:
    _, session = await signed_up(open_door)
    for held in ("read", "sell"):
        made = await open_door.call("POST", "/tokens", session, json={"name": held, "scope": held})
        got = await open_door.call(method, path, made.json["token"], json=body)
        allowed = ("read", "sell", "account").index(held) >= ("read", "sell", "account").index(scope)
        assert (got.status == 403) is not allowed, (held, got.body)


async def test_a_token_is_rotated_and_revoked(open_door: GatewayHarness) -> None:
    _, session = await signed_up(open_door)
    old = (await open_door.call("POST", "/tokens", session, json={"name": "shop", "scope": "sell"})).json["token"]
    shown = (await open_door.call("GET", "/account", session)).json["tokens"]
    [number] = [token["id"] for token in shown if token["kind"] == "token"]
    new = (await open_door.call("POST", f"/tokens/{number}/rotate", session)).json["token"]
    assert [(await open_door.call("GET", "/seller", token)).status for token in (old, new)] == [401, 200]
    assert (await open_door.call("DELETE", f"/tokens/{number}", session)).status == 204
    assert (await open_door.call("GET", "/seller", new)).status == 401


async def test_nobody_reaches_what_is_anothers(open_door: GatewayHarness) -> None:
    """Each call that names something, with the id of somebody else's."""
    sold = await open_door.sell(file_for_sale())
    upload = new_file_id()
    await open_door.announce(upload, 100)
    await open_door.call("POST", "/tokens", open_door.token, json={"name": "shop", "scope": "sell"})
    [theirs] = (await open_door.call("GET", "/account", open_door.token)).json["tokens"]
    _, purchase = await open_door.begin(sold.file_id)
    await open_door.pay(purchase)
    await open_door.state(purchase, "settled")
    token, session = await signed_up(open_door)
    tus = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    tries = (
        ("DELETE", f"/tokens/{theirs['id']}", {}),
        ("POST", f"/tokens/{theirs['id']}/rotate", {}),
        ("HEAD", f"/uploads/{upload}", {"headers": tus}),
        ("PATCH", f"/uploads/{upload}", {"headers": tus, "data": b"x"}),
        ("DELETE", f"/uploads/{upload}", {"headers": tus}),
        ("DELETE", f"/uploads/{sold.file_id}", {"headers": tus}),
        ("GET", f"/listings?after={sold.file_id}", {}),
        ("PATCH", f"/listings/{sold.file_id}", {"json": {"state": "withdrawn"}}),
        ("DELETE", f"/listings/{sold.file_id}", {}),
        ("GET", f"/listings/{sold.file_id}/bytes", {}),
        ("POST", f"/listings/{sold.file_id}/share", {"json": {"proof": token}}),
        ("PUT", f"/listings/{sold.file_id}", {"json": {k: sold.listing[k] for k in ("manifest", "signature", "meta")}}),
        ("GET", f"/sales?after={purchase['purchase_id']}", {}),
    )
    for method, path, rest in tries:
        got = await open_door.call(method, path, session, **rest)
        assert got.status == 404 or got.json == {"listings": [], "next": None}, (method, path, got.body)
    assert await open_door.stands_at(upload) == 0
    assert (await open_door.call("GET", "/sales", session)).json == {"sales": [], "next": None}
    assert (await open_door.call("GET", "/sales/days", session)).json["days"] == []


async def test_closed_where_nobody_opened_it(harness: GatewayHarness) -> None:
    got = await sign_up(harness, fresh_token())
    assert (got.status, got.json["code"]) == (403, "sign_up_closed")


async def test_by_invitation_alone(open_one: Open) -> None:
    async with open_one(accounts={"sign_up": "invite"}) as invited:
        for invite in ({}, {"invite": new_secret()}):
            got = await sign_up(invited, fresh_token(), **invite)
            assert (got.status, got.json["code"]) == (403, "invite_refused")
        now = invited.context.clock()
        code = await invited.context.store.write(lambda conn: accounts.make_invite(conn, now, now + 60))
        assert (await sign_up(invited, fresh_token(), invite=code)).status == 201
        assert (await sign_up(invited, fresh_token(), invite=code)).status == 403


async def test_a_rush_costs_work_and_locks_nobody_out(open_door: GatewayHarness) -> None:
    for _ in range(FREE_SHARED):
        await signed_up(open_door)
    token = fresh_token()
    refused = await sign_up(open_door, token)
    assert (refused.status, refused.json["code"]) == (429, "proof_of_work")
    nonce = solve(refused.json["challenge"], refused.json["bits"])
    proof = {"challenge": refused.json["challenge"], "nonce": nonce}
    assert (await sign_up(open_door, fresh_token(), proof_of_work=proof)).status == 429, "it is for one account"
    assert (await sign_up(open_door, token, proof_of_work=proof)).status == 201


async def test_the_index_is_kept_as_it_is_and_for_its_seller(open_door: GatewayHarness) -> None:
    _, session = await signed_up(open_door)
    path = "/account/index"
    first = await open_door.call("GET", path, session)
    assert (first.body, first.headers["ETag"]) == (b"", '"0"')
    assert (await open_door.call("PUT", path, session, data=b"sealed")).status == 400
    got = await open_door.call("PUT", path, session, data=b"sealed", headers={"If-Match": '"0"'})
    assert (got.status, got.json) == (200, {"version": 1})
    stale = await open_door.call("PUT", path, session, data=b"other", headers={"If-Match": '"0"'})
    assert (stale.status, stale.json["code"]) == (409, "index_changed")
    kept = await open_door.call("GET", path, session)
    assert (kept.body, kept.headers["ETag"]) == (b"sealed", '"1"')
    assert (await open_door.call("GET", path, open_door.token)).body == b""
    large = b"x" * (accounts.LARGEST_INDEX + 1)
    assert (await open_door.call("PUT", path, session, data=large, headers={"If-Match": '"1"'})).status == 413


async def test_a_stolen_session_cannot_move_the_money(open_door: GatewayHarness) -> None:
    """The first account may be named by a session; every later one needs the account code."""
    token, session = await signed_up(open_door)
    assert (await be_paid(open_door, session)).status == 200
    before = (await open_door.call("GET", "/seller", session)).json["payout"]
    for proof in ({}, {"proof": new_secret()}, {"proof": open_door.token}):
        got = await be_paid(open_door, session, **proof)
        assert (got.status, got.json["code"]) == (403, "proof_needed")
        got = await open_door.call("PUT", "/seller/connection", session, json={"connection": SCHEME, **proof})
        assert (got.status, got.json["code"]) == (403, "proof_needed")
        got = await open_door.call("PATCH", "/account", session, json={"payout_delay": 0, "proof": new_secret()})
        assert got.status == 403
    assert (await open_door.call("GET", "/seller", session)).json["payout"] == before
    assert (await be_paid(open_door, session, proof=token)).status == 200
    assert (await open_door.call("GET", "/seller", session)).json["payout"] != before


async def test_a_change_waits_is_shown_and_can_be_cancelled(open_door: GatewayHarness) -> None:
    token, session = await signed_up(open_door)
    await open_door.call("PUT", PAYOUT, session, json={"descriptor": descriptor("wpkh")})
    delay = {"payout_delay": 3_600, "proof": token}
    assert (await open_door.call("PATCH", "/account", session, json=delay)).json["payout_delay"] == 3_600
    before = (await open_door.call("GET", "/seller", session)).json["payout"]["addresses"]
    for _ in range(2):
        assert (await be_paid(open_door, session, proof=token)).status == 202
        shown = (await open_door.call("GET", "/seller", session)).json
        assert shown["payout"]["addresses"] == before
        assert shown["payout_change"]["of"] == ["payout"]
        assert shown["payout_change"]["effective_at"] - shown["payout_change"]["created_at"] == 3_600
        assert (await open_door.call("DELETE", f"{PAYOUT}/change", session)).status == 204
        assert (await open_door.call("GET", "/seller", session)).json["payout_change"] is None
    assert (await open_door.call("DELETE", f"{PAYOUT}/change", session)).status == 404
    got = await open_door.call("PUT", "/seller/connection", session, json={"connection": SCHEME, "proof": token})
    assert got.status == 202, got.body
    assert (await open_door.call("GET", "/seller", session)).json["connection"] is None
    open_door.clock.ahead += 3_600

    async def connected() -> bool:
        return (await open_door.call("GET", "/seller", session)).json["connection"] is not None

    assert await eventually(connected)
    kinds = [event["kind"] for event in (await open_door.call("GET", "/account", session)).json["events"]]
    assert kinds[:2] == ["payout_changed", "payout_change_requested"]
    assert kinds.count("payout_change_cancelled") == 2


async def test_waiting_less_waits_itself(open_door: GatewayHarness) -> None:
    token, session = await signed_up(open_door)
    await be_paid(open_door, session)
    for seconds, status, holds in ((3_600, 200, 3_600), (0, 202, 3_600), (7_200, 200, 7_200)):
        asked = {"payout_delay": seconds, "proof": token}
        got = await open_door.call("PATCH", "/account", session, json=asked)
        assert (got.status, got.json["payout_delay"]) == (status, holds)
        shown = (await open_door.call("GET", "/seller", session)).json["payout_change"]
        assert (shown and shown["of"]) == (["delay"] if status == 202 else None)


async def test_a_stolen_session_cannot_empty_the_account_and_fill_it_anew(open_door: GatewayHarness) -> None:
    _, session = await signed_up(open_door)
    assert (await open_door.call("PUT", "/seller/connection", session, json={"connection": SCHEME})).status == 200
    for _ in range(2):
        assert (await open_door.call("DELETE", "/seller/connection", session)).status == 204
    assert (await be_paid(open_door, session)).status == 403
    got = await open_door.call("PUT", "/seller/connection", session, json={"connection": SCHEME})
    assert (got.status, got.json["code"]) == (403, "proof_needed")
    kinds = [event["kind"] for event in (await open_door.call("GET", "/account", session)).json["events"]]
    assert kinds.count("disconnected") == 1


async def test_no_more_sellers_than_the_operator_allows(open_one: Open) -> None:
    async with open_one(accounts={"sign_up": "open", "most_sellers": 2}) as gateway:
        token, session = await signed_up(gateway)
        got = await sign_up(gateway, fresh_token())
        assert (got.status, got.json["code"]) == (403, "sign_ups_full")
        names = [
            (await gateway.call("GET", "/seller", held)).json["account"] for held in (token, session, gateway.token)
        ]
        assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("text", [BIP84_ZPUB, "nonsense"])
async def test_the_proof_is_asked_for_whatever_is_pasted(open_door: GatewayHarness, text: str) -> None:
    token, session = await signed_up(open_door)
    await be_paid(open_door, session)
    got = await open_door.call("PUT", PAYOUT, session, json={"descriptor": text, "proof": token})
    assert got.status == 400
    assert token not in str(got.body)


async def test_what_opens_every_file_needs_the_account_code(open_door: GatewayHarness) -> None:
    """The sealed bytes do not: they are noise."""
    token, session = await signed_up(open_door)
    await be_paid(open_door, session)
    open_door.token = session
    sold = await open_door.sell(file_for_sale())
    path = f"/listings/{sold.file_id}"
    got = await open_door.call("GET", path + "/bytes", session)
    assert (got.status, got.body) == (200, sold.sealed)
    part = await open_door.call("GET", path + "/bytes", session, headers={"Range": "bytes=5-9"})
    assert (part.status, part.body) == (206, sold.sealed[5:10])
    for proof in (None, session, new_secret()):
        got = await open_door.call("POST", path + "/share", session, json={"proof": proof})
        assert (got.status, got.json["code"]) == (403, "proof_needed")
    for who in (session, token):
        got = await open_door.call("POST", path + "/share", who, json={"proof": token})
        assert got.json["share"] == b64u(sold.gateway_share)
    assert (await open_door.call("POST", path + "/share", token, json={})).status == 200
