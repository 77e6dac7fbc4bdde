"""A seller as a program knows them: their token, and with the account code the links of their files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bitcache import account_code
from bitcache.errors import InvalidIdentifier, WrongKey
from bitcache.identifiers import FileId
from bitcache.sealing.file_link import Link, parse_link
from gateway.client.errors import GatewayConfused
from gateway.client.gateway_client import GatewayClient, read_limited

_NONCE_BYTES, _CONTEXT = 12, b"bitcache/v1 account index"
_LARGEST_INDEX = 2 * 1024 * 1024 + 1024


@dataclass(frozen=True, slots=True)
class SellerAccount:
    """``index_key``: None where only a token is known."""

    token: str = field(repr=False)
    index_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, text: str) -> SellerAccount:
        """Return what an account code, or else a token, stands for."""
        try:
            entropy = account_code.parse(text)
        except InvalidIdentifier:
            return cls(text)
        return cls(account_code.token_of(entropy), account_code.index_key_of(entropy))


async def links_of(gateway: GatewayClient, account: SellerAccount) -> dict[FileId, Link]:
    """Return the links in the account's sealed index (docs/protocol.md §11); none without the account code."""
    if account.index_key is None:
        return {}
    async with gateway.open("GET", "/account/index", bearer=account.token) as response:
        sealed = await read_limited(response, _LARGEST_INDEX)
    if not sealed:
        return {}
    try:
        plain = AESGCM(account.index_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _CONTEXT)
        files = json.loads(plain)["files"]
        return {FileId(file_id): parse_link(kept["link"]) for file_id, kept in files.items()}
    except InvalidTag:
        raise WrongKey("the account's index was sealed by another account code") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise GatewayConfused("the account's index is damaged") from None
