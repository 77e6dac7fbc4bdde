"""The connection string of Nostr Wallet Connect (NIP-47, "Nostr Wallet Connect URI").

nostr+walletconnect://<the wallet's public key>?relay=wss://…&relay=wss://…&secret=<our private key>
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from bitcache.chain_errors import ConnectionRefused

SCHEMES = ("nostr+walletconnect:", "nostrwalletconnect:")
_KEY = re.compile(r"[0-9a-f]{64}")
MOST_RELAYS = 4
LONGEST_RELAY = 200
_LOOPBACK = re.compile(r"ws://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?(/|$)")


@dataclass(frozen=True, slots=True)
class ConnectionString:
    """Keys as 32 bytes; ``repr`` hides the secret."""

    wallet_key: bytes
    relays: tuple[str, ...]
    secret: bytes = field(repr=False)


def is_connection_string(text: str) -> bool:
    """Return whether this is meant as one."""
    return text.lower().startswith(SCHEMES)


def parse(text: str, *, private: bool) -> ConnectionString:
    """Return what it says; raise ConnectionRefused, which quotes nothing.

    ``private``: relays on this machine will do.
    """
    scheme = next((scheme for scheme in SCHEMES if text.lower().startswith(scheme)), "")
    if not scheme:
        raise ConnectionRefused("a connection string begins with nostr+walletconnect://")
    try:
        url = urlsplit("nwc://" + text[len(scheme) :].lstrip("/"))
        query = parse_qs(url.query, max_num_fields=16)
    except ValueError:
        raise ConnectionRefused("the connection string is damaged") from None
    wallet_key, secrets = url.netloc.lower(), query.get("secret", [])
    if not _KEY.fullmatch(wallet_key):
        raise ConnectionRefused("the connection string does not name the wallet's key")
    if len(secrets) != 1 or not _KEY.fullmatch(secrets[0].lower()):
        raise ConnectionRefused("the connection string has no secret: copy all of it")
    relays = tuple(dict.fromkeys(query.get("relay", [])))[:MOST_RELAYS]
    if not relays or not all(_is_relay(relay, private) for relay in relays):
        raise ConnectionRefused("the connection string names no relay that can be used (wss://…)")
    return ConnectionString(bytes.fromhex(wallet_key), relays, bytes.fromhex(secrets[0]))


def _is_relay(relay: str, private: bool) -> bool:
    if len(relay) > LONGEST_RELAY:
        return False
    return relay.startswith("wss://") or (private and _LOOPBACK.match(relay) is not None)
