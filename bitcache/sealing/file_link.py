"""Buyer's links and access links (docs/protocol.md §1).

    https://gateway.example/f/<F>#<A>          https://gateway.example/f/<F>#<A>.<C>

Errors never quote the link: what stands behind ``#`` is a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from bitcache.errors import InvalidIdentifier, InvalidLink
from bitcache.identifiers import CLAIM_BYTES, FileId, b64u, parse_file_id, unb64u
from bitcache.sealing.key_derivation import LINK_SHARE_SIZE

#: Up to the end of the address; whatever directly precedes a scheme is none of its letters.
_LINK = re.compile(
    r"(?:^|[^A-Za-z0-9])(?P<scheme>[Hh][Tt]{2}[Pp][Ss]?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?P<port>:[0-9]{1,5})?"
    r"/f/(?P<file>[A-Za-z0-9_-]{22})/?(?:\?[^\s#]*)?(?:#|%(?:25)?23)"
    r"(?P<share>[A-Za-z0-9_-]{22})(?:\.(?P<claim>[A-Za-z0-9_-]{43}))?(?![A-Za-z0-9_-]|\.[A-Za-z0-9_-])",
)


@dataclass(frozen=True)
class Link:
    """A link taken apart; with a ``claim`` (b64u of 32 bytes) it is an access link.  ``repr`` hides the secrets."""

    gateway: str  #: scheme, host and port: "https://gateway.example"
    file_id: FileId
    link_share: bytes = field(repr=False)  #: 16 bytes
    claim: str | None = field(default=None, repr=False)

    def text(self) -> str:
        """Return the link as people copy it.  It is a secret: never log it."""
        claim = "" if self.claim is None else f".{self.claim}"
        return f"{self.gateway}/f/{self.file_id}#{b64u(self.link_share)}{claim}"


def parse_link(text: str) -> Link:
    """Return the one link in ``text``, whatever clings to it, as docs/protocol.md §1 says; raise InvalidLink."""
    try:
        links = {_take_apart(match) for match in _LINK.finditer(text)}
    except (InvalidIdentifier, ValueError):
        # "from None": the causes may quote what they could not parse.
        raise InvalidLink from None
    if len(links) > 1:
        raise InvalidLink("these are several links", hint="Give one of them.")
    if not links:
        raise InvalidLink("this is not the whole address of a file on a gateway")
    return links.pop()


def _take_apart(match: re.Match[str]) -> Link:
    """Raise InvalidIdentifier or ValueError where a part is impossible."""
    scheme, claim = match["scheme"].lower(), match["claim"]
    if claim:
        unb64u(claim, CLAIM_BYTES, "claim secret")
    return Link(
        gateway=_origin(scheme, match["host"], match["port"]),
        file_id=parse_file_id(match["file"]),
        link_share=unb64u(match["share"], LINK_SHARE_SIZE, "link share"),
        claim=claim,
    )


def _origin(scheme: str, host: str, port: str | None) -> str:
    url = urlsplit(f"{scheme}://{host}{port or ''}")
    name = url.netloc.partition(":")[0] if not host.startswith("[") else f"[{IPv6Address(host[1:-1])}]"
    shown = name.lower() if name.isascii() else name.encode("idna").decode()
    usual = url.port in (None, {"http": 80, "https": 443}[scheme])
    return f"{scheme}://{shown}" if usual else f"{scheme}://{shown}:{url.port}"
