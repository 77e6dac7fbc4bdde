"""Nostr Wallet Connect: what is pasted, what is encrypted, and wallets and relays that misbehave."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from support.nostr_relay import Relay, WalletService, relay_server

from bitcache.chain_errors import (
    ConnectionCanSpend,
    ConnectionRefused,
    WalletMisbehaved,
    WalletRefused,
    WalletUnreachable,
)
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import DecodedInvoice
from wallet.lightning.nwc.connection_string import parse
from wallet.lightning.nwc.message_cipher import NIP04, NIP44, MessageCipher
from wallet.lightning.nwc.nostr_event import signed, verified
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_wallet import NwcWallet

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "nostr-messages.json").read_text())
KEY, SECRET = "ab" * 32, "cd" * 32
GOOD = f"nostr+walletconnect://{KEY}?relay=wss%3A%2F%2Frelay.example&secret={SECRET}"
RECEIVES = {"result": {"alias": "Ada\u202e", "methods": ["get_info", "make_invoice", "lookup_invoice"]}}
INVOICE = DecodedInvoice("lnbcrt1", "bcrt", b"\x07" * 32, 1000, 0, 600)


def now() -> int:
    return int(time.time())


# What is pasted


def test_a_connection_string_is_read() -> None:
    read = parse(GOOD, private=False)
    assert (read.wallet_key.hex(), read.secret.hex(), read.relays) == (KEY, SECRET, ("wss://relay.example",))
    assert SECRET not in repr(read)
    assert parse(GOOD.replace("nostr+walletconnect", "nostrwalletconnect"), private=False) == read
    assert parse(GOOD + "&relay=wss://two.example&lud16=a@b.example", private=False).relays[1] == "wss://two.example"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(KEY, "ab"),
        GOOD.replace(SECRET, ""),
        GOOD + f"&secret={SECRET}",
        GOOD.replace("wss", "ws"),
        GOOD.replace("relay=", "other="),
        GOOD.replace("wss%3A%2F%2Frelay.example", "ws://127.0.0.1:1"),
        "nostr+walletconnect:",
        "nostr+walletconnect://[",
        "https://wallet.example",
    ],
)
def test_what_cannot_be_used_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        parse(text, private=False)
    assert SECRET not in str(refused.value) + refused.value.advice


# What is encrypted


@pytest.mark.parametrize("message", VECTORS["messages"], ids=lambda message: f"{message['length']}")
@pytest.mark.parametrize("scheme", ["nip44", "nip04"])
def test_messages_of_another_implementation_open(message: dict[str, Any], scheme: str) -> None:
    cipher = MessageCipher(bytes.fromhex("22" * 32), bytes.fromhex(VECTORS["sender"]))
    assert cipher.decrypt(message[scheme]) == message["text"]


@pytest.mark.parametrize("scheme", [NIP44, NIP04])
@pytest.mark.parametrize("length", [1, 31, 32, 33, 64, 65, 255, 256, 257, 1000, 65_535])
def test_there_and_back(scheme: str, length: int) -> None:
    ours = MessageCipher(bytes.fromhex("11" * 32), bytes.fromhex(VECTORS["receiver"]))
    theirs = MessageCipher(bytes.fromhex("22" * 32), bytes.fromhex(VECTORS["sender"]))
    ours.scheme = scheme
    assert theirs.decrypt(ours.encrypt("x" * length)) == "x" * length


@pytest.mark.parametrize("change", [0, 1, 40, 70, -1])
def test_a_changed_message_does_not_open(change: int) -> None:
    cipher = MessageCipher(bytes.fromhex("22" * 32), bytes.fromhex(VECTORS["sender"]))
    whole = VECTORS["messages"][2]["nip44"]
    place = change % len(whole)
    other = "A" if whole[place] != "A" else "B"
    with pytest.raises(WalletMisbehaved):
        cipher.decrypt(whole[:place] + other + whole[place + 1 :])


@pytest.mark.parametrize("text", ["", "?iv=", "AA==", "x?iv=y", "A" * 200, "Ag" + "A" * 300])
def test_garbage_does_not_open(text: str) -> None:
    with pytest.raises(WalletMisbehaved):
        MessageCipher(bytes.fromhex("22" * 32), bytes.fromhex(VECTORS["sender"])).decrypt(text)


def test_an_event_is_believed_with_its_signature_alone() -> None:
    event = signed(PrivateKey(), 1, [["e", "x"]], "hello", 5)
    assert verified(event).values("e") == ["x"]
    for changed in (
        {"content": "hallo"},
        {"created_at": 6},
        {"tags": []},
        {"sig": "00" * 64},
        {"pubkey": KEY},
        {"id": 7},
    ):
        with pytest.raises(WalletMisbehaved):
            verified(event | changed)
    for garbage in (None, [], {}, "event", 7):
        with pytest.raises(WalletMisbehaved):
            verified(garbage)


# Wallets and relays


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with relay_server() as relay:
        yield relay


@pytest.fixture
def service(relay: Relay) -> WalletService:
    return WalletService(relay, answers={"get_info": RECEIVES})


@pytest.fixture
async def wallet(service: WalletService) -> AsyncIterator[NwcWallet]:
    wallet = NwcWallet(NwcConnection(service.connection, now, private=True, answer_seconds=1.0))
    yield wallet
    await wallet.close()


async def test_a_wallet_that_may_only_receive(service: WalletService, wallet: NwcWallet) -> None:
    """Its name has nothing in it that turns a line around."""
    info = await wallet.info()
    assert (info.name, info.kind) == ("Ada", "nwc")
    service.answers["make_invoice"] = {"result": {"invoice": "lnbcrt1"}}
    assert (await wallet.make_invoice(Sat(3), expiry_seconds=60, description="a file")).text == "lnbcrt1"
    assert service.asked[-1] == ("make_invoice", {"amount": 3000, "expiry": 60, "description": "a file"})


async def test_a_wallet_that_speaks_the_older_encryption_alone(service: WalletService, wallet: NwcWallet) -> None:
    service.speaks_only = NIP04
    assert (await wallet.info()).name == "Ada"


@pytest.mark.parametrize("method", ["pay_invoice", "pay_keysend", "multi_pay_invoice", "multi_pay_keysend"])
async def test_a_connection_that_can_spend_is_refused(service: WalletService, wallet: NwcWallet, method: str) -> None:
    service.answers["get_info"] = {"result": {"methods": ["make_invoice", method]}}
    with pytest.raises(ConnectionCanSpend):
        await wallet.info()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"error": {"code": "RESTRICTED", "message": "no"}}, WalletRefused),
        ({"error": {"code": "<script>", "message": "no"}}, WalletRefused),
        ({"error": "no"}, WalletRefused),
        ({"error": {"code": "RATE_LIMITED"}}, WalletUnreachable),
        ({"result": None}, WalletMisbehaved),
        ({"result": {}}, WalletMisbehaved),
        ({"result": {"invoice": 7}}, WalletMisbehaved),
        ([], WalletMisbehaved),
        ("yes", WalletMisbehaved),
    ],
)
async def test_answers_that_cannot_be_used(
    service: WalletService, wallet: NwcWallet, answer: Any, kind: type[Exception]
) -> None:
    service.answers["make_invoice"] = answer
    with pytest.raises(kind) as refused:
        await wallet.make_invoice(Sat(1), expiry_seconds=60, description="")
    assert "<" not in str(refused.value)


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ({"state": "settled"}, "settled"),
        ({"settled_at": 5}, "settled"),
        ({"preimage": "00" * 32}, "pending"),
        ({"state": "pending"}, "pending"),
        ({"state": "failed"}, "failed"),
        ({"state": "expired"}, "failed"),
        ({}, "pending"),
    ],
)
async def test_what_became_of_an_invoice(
    service: WalletService, wallet: NwcWallet, result: dict[str, Any], state: str
) -> None:
    """A preimage proves nothing here: the wallet that made the invoice knows it beforehand."""
    service.answers["lookup_invoice"] = {"result": result}
    assert (await wallet.look_up(INVOICE)).state == state


async def test_an_invoice_that_the_wallet_has_forgotten_is_not_failed(
    service: WalletService, wallet: NwcWallet
) -> None:
    service.answers["lookup_invoice"] = {"error": {"code": "NOT_FOUND", "message": ""}}
    assert (await wallet.look_up(INVOICE)).state == "pending"


async def test_silence_ends(service: WalletService, wallet: NwcWallet) -> None:
    with pytest.raises(WalletUnreachable, match="does not answer"):
        await wallet.make_invoice(Sat(1), expiry_seconds=60, description="")


async def test_a_relay_that_refuses_says_why(relay: Relay, service: WalletService, wallet: NwcWallet) -> None:
    await wallet.info()
    relay.refusal = "rate-limited: slow down"
    with pytest.raises(WalletUnreachable, match="rate-limited"):
        await wallet.look_up(INVOICE)


async def test_a_relay_that_is_not_there(service: WalletService) -> None:
    connection = replace(service.connection, relays=("ws://127.0.0.1:9",))
    elsewhere = NwcWallet(NwcConnection(connection, now, private=True, answer_seconds=0.3))
    with pytest.raises(WalletUnreachable):
        await elsewhere.info()
    await elsewhere.close()


async def test_a_connection_that_was_lost_is_made_again(
    relay: Relay, service: WalletService, wallet: NwcWallet
) -> None:
    await wallet.info()
    await relay.hang_up()
    for attempt in range(5):
        try:
            assert (await wallet.info()).name == "Ada"
            return
        except WalletUnreachable:
            await asyncio.sleep(0.5 * (attempt + 1))
    pytest.fail("it is not connected again")


async def test_nobody_else_answers_for_the_wallet(relay: Relay, service: WalletService, wallet: NwcWallet) -> None:
    """Another key's answer, and one that another key signed as the wallet's, are passed over."""
    await wallet.info()
    stranger = PrivateKey()

    def answer_first(event: dict[str, Any]) -> None:
        cipher = MessageCipher(service.key.secret, bytes.fromhex(event["pubkey"]))
        content = cipher.encrypt(json.dumps({"result": {"invoice": "the stranger's"}}))
        service.later(service.answer(event["id"], content, stranger))

    relay.listeners.insert(0, answer_first)
    service.answers["make_invoice"] = {"result": {"invoice": "the wallet's"}}
    assert (await wallet.make_invoice(Sat(1), expiry_seconds=60, description="")).text == "the wallet's"


async def test_notifications_are_hints_of_the_wallet_alone(service: WalletService, wallet: NwcWallet) -> None:
    """A forged one, and one that is repeated an hour later, hint at nothing."""
    await wallet.info()
    await service.notify(b"\x01" * 32, key=PrivateKey())
    await service.notify(b"\x02" * 32, age=3600)
    await service.notify(b"\x03" * 32)
    async with asyncio.timeout(3):
        assert await anext(wallet.hints()) == b"\x03" * 32
