"""The account's calls: sign up, sign in and out, tokens, the sealed index, what happened."""

from __future__ import annotations

import re

from aiohttp import web
from sqlalchemy import Connection

from bitcache import access_tokens, account_events, accounts, payout_changes
from bitcache.access_tokens import Access, Scope
from bitcache.account_errors import InviteRefused, ProofNeeded, SignUpClosed
from bitcache.account_events import AccountEventKind
from bitcache.buyer_networks import Networks
from bitcache.errors import BadInput, DiskFull, WorkRequired
from bitcache.identifiers import FileId, token_hash
from bitcache.payout_changes import PayoutChange
from bitcache.proof_of_work import LIFETIME_SECONDS, Purpose, make_challenge, proven_bits
from gateway.api import account_models as models
from gateway.api import authentication
from gateway.api.request_bodies import json_body, raw_body, reply
from gateway.context import GatewayContext, context_of

#: What a proof of work is for that a sign-up costs.
SIGN_UP = FileId("sign up")
_ETAG = re.compile(r'"(\d{1,9})"')


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    api = "/api/v1"
    return [
        web.post(api + "/accounts", sign_up),
        web.get(api + "/account", account, allow_head=False),
        web.patch(api + "/account", change_account),
        web.get(api + "/account/index", index, allow_head=False),
        web.put(api + "/account/index", keep_index),
        web.post(api + "/sessions", begin_session),
        web.delete(api + "/session", end_session),
        web.post(api + "/tokens", make_token),
        web.post(api + "/tokens/{id:[0-9]{1,9}}/rotate", rotate),
        web.delete(api + "/tokens/{id:[0-9]{1,9}}", revoke),
    ]


async def sign_up(request: web.Request) -> web.Response:
    """Make an account, and begin its first session."""
    context = context_of(request)
    asked = await json_body(request, models.SignUp)
    mode = context.settings.accounts.sign_up
    if mode == "closed":
        raise SignUpClosed
    if mode == "invite" and asked.invite is None:
        raise InviteRefused("signing up here needs an invitation")
    networks, now = authentication.buyer_networks(request), context.clock()
    _require_work(context, asked, networks)
    invite = asked.invite if mode == "invite" else None
    most = context.settings.accounts.most_sellers

    def make(conn: Connection) -> str:
        seller_id = accounts.sign_up(conn, asked.token, asked.name, invite, now, most=most)
        account_events.add(conn, seller_id, AccountEventKind.SIGNED_UP, now)
        return access_tokens.begin_session(conn, seller_id, asked.browser, now)

    session = await context.store.write(make)
    context.sign_up_limits.count(networks, now)
    return reply(models.Secret(token=session), status=201)


def _require_work(context: GatewayContext, asked: models.SignUp, networks: Networks) -> None:
    """Raise WorkRequired with a challenge where too many sign up, unless it was solved."""
    now, secret = context.clock(), context.buyer_secret
    bits = context.sign_up_limits.bits(networks, now)
    purpose = Purpose(SIGN_UP, token_hash(asked.token), networks.neighbours)
    proof = asked.proof_of_work
    if bits and (proof is None or proven_bits(secret, purpose, proof.challenge, proof.nonce, now) < bits):
        challenge = make_challenge(secret, purpose, bits, now)
        raise WorkRequired("many people are signing up", challenge=challenge, bits=bits, expires_in=LIFETIME_SECONDS)


async def begin_session(request: web.Request) -> web.Response:
    """Sign in with the seller's own token; a session's token comes back, which can be revoked."""
    context = context_of(request)
    access = await authentication.access(request, Scope.OWNER)
    asked = await json_body(request, models.BeginSession)
    seller_id, now = access.seller.id, context.clock()

    def begin(conn: Connection) -> str:
        account_events.add(conn, seller_id, AccountEventKind.SIGNED_IN, now, asked.name)
        return access_tokens.begin_session(conn, seller_id, asked.name, now)

    return reply(models.Secret(token=await context.store.write(begin)), status=201)


async def end_session(request: web.Request) -> web.Response:
    """Sign out: the token that asks is over."""
    context = context_of(request)
    access = await authentication.access(request, Scope.READ)
    token_id = access.token_id
    if token_id is not None:
        await context.store.write(lambda conn: access_tokens.revoke(conn, access.seller.id, token_id))
    return web.Response(status=204)


async def account(request: web.Request) -> web.Response:
    """Send name, sessions, tokens, and what happened lately."""
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    return reply(await context.store.read(lambda conn: _account(conn, access, context.clock())))


async def change_account(request: web.Request) -> web.Response:
    """Set how long a change of payout waits, at once or (202: it is shorter) after waiting as long itself.

    The seller's token proves who asks.
    """
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    asked = await json_body(request, models.ChangeAccount)
    now = context.clock()

    def change(conn: Connection) -> tuple[models.Account, PayoutChange | None]:
        if not access_tokens.is_owners(conn, access.seller.id, asked.proof):
            raise ProofNeeded
        waits = payout_changes.request(conn, access.seller.id, now, delay=asked.payout_delay)
        return _account(conn, access, now), waits

    account, waits = await context.store.write(change)
    return reply(account, status=202 if waits is not None and waits.delay is not None else 200)


async def make_token(request: web.Request) -> web.Response:
    """Make a token for a program, shown this once."""
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    asked = await json_body(request, models.MakeToken)
    seller_id, now = access.seller.id, context.clock()

    def make(conn: Connection) -> str:
        account_events.add(conn, seller_id, AccountEventKind.TOKEN_MADE, now, asked.name)
        return access_tokens.make_token(conn, seller_id, asked.name, Scope(asked.scope), now)

    return reply(models.Secret(token=await context.store.write(make)), status=201)


async def rotate(request: web.Request) -> web.Response:
    """Give a program's token a new secret; the old one ends at once."""
    context, token_id = context_of(request), int(request.match_info["id"])
    access = await authentication.access(request, Scope.ACCOUNT)
    seller_id, now = access.seller.id, context.clock()

    def change(conn: Connection) -> str:
        account_events.add(conn, seller_id, AccountEventKind.TOKEN_ROTATED, now)
        return access_tokens.rotate(conn, seller_id, token_id, now)

    return reply(models.Secret(token=await context.store.write(change)))


async def revoke(request: web.Request) -> web.Response:
    """End a session or a token."""
    context, token_id = context_of(request), int(request.match_info["id"])
    access = await authentication.access(request, Scope.ACCOUNT)
    seller_id, now = access.seller.id, context.clock()

    def change(conn: Connection) -> None:
        ended = access_tokens.revoke(conn, seller_id, token_id)
        account_events.add(conn, seller_id, AccountEventKind.REVOKED, now, ended.name)

    await context.store.write(change)
    return web.Response(status=204)


async def index(request: web.Request) -> web.Response:
    """Send the sealed index, and its version as the ETag; at first "0" and nothing."""
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    kept = await context.store.read(lambda conn: accounts.index_of(conn, access.seller.id))
    headers = {"ETag": f'"{kept.version}"', "Cache-Control": "no-store"}
    return web.Response(body=kept.sealed, headers=headers)


async def keep_index(request: web.Request) -> web.Response:
    """Keep a sealed index in place of the version that ``If-Match`` names ("0": there was none)."""
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    replaces = _ETAG.fullmatch(request.headers.get("If-Match", ""))
    if replaces is None:
        raise BadInput("say which version this replaces", hint='Send it as If-Match: "<version>".')
    sealed = await raw_body(request, accounts.LARGEST_INDEX)
    if context.blobs.free_bytes() < len(sealed):
        raise DiskFull("the disk has no room for this index")
    version = await context.store.write(
        lambda conn: accounts.keep_index(conn, access.seller.id, sealed, int(replaces[1]), context.clock())
    )
    return reply(models.IndexVersion(version=version))


def _account(conn: Connection, access: Access, now: int) -> models.Account:
    seller = access.seller
    return models.Account(
        name=seller.name,
        created_at=seller.created_at,
        payout_delay=payout_changes.delay_of(conn, seller.id),
        tokens=[
            models.AccessToken(
                id=token.id,
                kind=token.kind.value,
                name=token.name,
                scope=token.scope.value,  # type: ignore[arg-type]  # no token is an owner's
                created_at=token.created_at,
                last_used_at=token.last_used_at,
                current=token.id == access.token_id,
            )
            for token in access_tokens.of_seller(conn, seller.id, now)
        ],
        events=[
            models.AccountEvent(kind=event.kind.value, about=event.about, at=event.at)
            for event in account_events.of_seller(conn, seller.id)
        ],
    )
