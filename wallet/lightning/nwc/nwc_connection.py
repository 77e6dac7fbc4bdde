"""Requests to a wallet by Nostr Wallet Connect (NIP-47), and its answers, over every relay that it is reached by."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from coincurve import PrivateKey

from bitcache.chain_errors import WalletMisbehaved, WalletRefused, WalletUnreachable
from wallet.lightning.nwc.connection_string import ConnectionString
from wallet.lightning.nwc.message_cipher import NIP04, NIP44, MessageCipher
from wallet.lightning.nwc.nostr_event import Event, signed, verified
from wallet.lightning.nwc.relay import Relay

INFO, REQUEST, RESPONSE = 13194, 23194, 23195
NOTIFICATIONS = (23196, 23197)
ANSWER_SECONDS = 6.0
#: So long a wallet's description is waited for; relays forget it, and wallets publish it anew once a day.
INFO_SECONDS = 2.0
#: So long an answer to the newer encryption is waited for, where no description says which one the wallet speaks.
GUESS_SECONDS = 3.0
MOST_HINTS = 1000
#: What a clock may be wrong by (seconds): older events are repeats.
CLOCK_SLACK = 120


class NwcConnection:
    """Connects when it is first asked.  ``private``: its relays may be on this machine or beside it.

    ``received`` has the payment hashes of the wallet's notifications.
    """

    def __init__(
        self,
        connection: ConnectionString,
        clock: Callable[[], int],
        *,
        private: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._wallet_key, self._clock, self._answer_seconds = connection.wallet_key, clock, answer_seconds
        self._key = PrivateKey(connection.secret)
        self._cipher = MessageCipher(connection.secret, connection.wallet_key)
        self._relays = [Relay(url, self._filters, self._on_event, private=private) for url in connection.relays]
        self._answers: dict[str, asyncio.Future[Event]] = {}
        self.received: asyncio.Queue[bytes] = asyncio.Queue(MOST_HINTS)
        self._description: Event | None = None
        self._described = asyncio.Event()
        self._scheme_known = False

    @property
    def described(self) -> frozenset[str]:
        """Return the methods that the wallet's published description names."""
        return frozenset(self._description.content.split()) if self._description else frozenset()

    async def close(self) -> None:
        """Hang up."""
        await asyncio.gather(*(relay.close() for relay in self._relays))

    async def agree_on_encryption(self) -> None:
        """Go by the wallet's description; without one, try the newer encryption and fall back."""
        if self._scheme_known:
            return
        probe = asyncio.create_task(self.ask("get_info", {}, GUESS_SECONDS))
        with suppress(TimeoutError):
            async with asyncio.timeout(INFO_SECONDS):
                await self._described.wait()
        if self._description is not None:
            offered = " ".join(self._description.values("encryption")).split()
            self._cipher.scheme = NIP44 if NIP44 in offered else NIP04
        else:
            with suppress(WalletUnreachable, WalletRefused, WalletMisbehaved):
                await probe
            self._cipher.scheme = NIP44 if probe.done() and probe.exception() is None else NIP04
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        self._scheme_known = True

    async def ask(self, method: str, params: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Return the result of a request; raise WalletUnreachable, WalletRefused, WalletMisbehaved."""
        if method != "get_info":
            await self.agree_on_encryption()
        try:
            async with asyncio.timeout(seconds or self._answer_seconds):
                answer = await self._answer_to(json.dumps({"method": method, "params": params}))
        except TimeoutError:
            raise WalletUnreachable("the wallet does not answer") from None
        return _result(self._cipher.decrypt(answer.content), method)

    async def _answer_to(self, body: str) -> Event:
        tags = [["p", self._wallet_key.hex()], ["expiration", str(self._clock() + int(self._answer_seconds) + 1)]]
        if self._cipher.scheme == NIP44:
            tags.append(["encryption", NIP44])
        event = signed(self._key, REQUEST, tags, self._cipher.encrypt(body), self._clock())
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._answers[event["id"]] = answer
        try:
            await self._publish(event)
            return await answer
        finally:
            self._answers.pop(event["id"], None)

    async def _publish(self, event: dict[str, Any]) -> None:
        """Send to every relay; one that takes it is enough."""
        sending = [asyncio.create_task(relay.publish(event)) for relay in self._relays]
        refusal: BaseException | None = None
        try:
            for done in asyncio.as_completed(sending):
                try:
                    return await done
                except WalletUnreachable as error:
                    refusal = error
        finally:
            for task in sending:
                if not task.done():
                    task.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise refusal or WalletUnreachable

    def _filters(self) -> list[dict[str, Any]]:
        ours = self._key.public_key.format()[1:].hex()
        wallet = self._wallet_key.hex()
        return [
            {"kinds": [INFO], "authors": [wallet], "limit": 1},
            {
                "kinds": [RESPONSE, *NOTIFICATIONS],
                "authors": [wallet],
                "#p": [ours],
                "since": self._clock() - CLOCK_SLACK,
            },
        ]

    def _on_event(self, sent: Any) -> None:
        """Take an event of the wallet's, whichever relay sent it; others, damaged and old ones are ignored."""
        try:
            event = verified(sent)
        except WalletMisbehaved:
            return
        if event.pubkey != self._wallet_key:
            return
        if event.kind == INFO:
            if self._description is None or event.created_at >= self._description.created_at:
                self._description = event
                self._described.set()
        elif event.kind == RESPONSE:
            self._on_answer(event)
        elif event.kind in NOTIFICATIONS and event.created_at > self._clock() - CLOCK_SLACK:
            self._on_notification(event)

    def _on_answer(self, event: Event) -> None:
        for request_id in event.values("e"):
            answer = self._answers.get(request_id)
            if answer is not None and not answer.done():
                answer.set_result(event)

    def _on_notification(self, event: Event) -> None:
        with suppress(WalletMisbehaved, ValueError, KeyError, TypeError, asyncio.QueueFull):
            body = json.loads(self._cipher.decrypt(event.content))
            if body["notification_type"] == "payment_received":
                self.received.put_nowait(bytes.fromhex(body["notification"]["payment_hash"]))


def _result(text: str, method: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        raise WalletMisbehaved("the wallet's answer is no JSON") from None
    if not isinstance(body, dict):
        raise WalletMisbehaved("the wallet's answer is no object")
    if error := body.get("error"):
        code = str(error.get("code", "") if isinstance(error, dict) else "")[:40]
        if code == "RATE_LIMITED":
            raise WalletUnreachable("the wallet asks to be asked less often")
        reason = code if code.isidentifier() else "no reason"
        raise WalletRefused(f"the wallet refuses {method}: {reason}", wallet_code=code)
    result = body.get("result")
    if not isinstance(result, dict):
        raise WalletMisbehaved("the wallet's answer has no result")
    return result
