"""Buyer's links and recovery links (docs/protocol.md §1).

    https://gateway.example/f/<F>#<A>          https://gateway.example/f/<F>#<A>.<C>

Errors never quote the link: what stands behind ``#`` is a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bitcache.errors import InvalidIdentifier, InvalidLink
from bitcache.identifiers import CLAIM_BYTES, FileId, b64u, parse_file_id, unb64u
from bitcache.sealing.shares import LINK_SHARE_SIZE

_PATH = re.compile(r"/f/([A-Za-z0-9_-]+)/?")
_UNUSABLE = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True)
class Link:
    """A link taken apart; with a ``claim`` (b64u of 32 bytes) it is a recovery link.  ``repr`` hides the secrets."""

    gateway: str  #: scheme, host and port: "https://gateway.example"
    file_id: FileId
    link_share: bytes = field(repr=False)  #: 16 bytes
    claim: str | None = field(default=None, repr=False)

    def text(self) -> str:
        """The link as people copy it.  It is a secret: never log it."""
        claim = "" if self.claim is None else f".{self.claim}"
        return f"{self.gateway}/f/{self.file_id}#{b64u(self.link_share)}{claim}"


def parse_link(text: str) -> Link:
    """The link in ``text``, ``%23`` repaired to ``#`` and a query dropped; raises InvalidLink."""
    text = text.strip()
    if "#" not in text:
        # Link scanners rewrite "#" and with it move the secret into the path.
        text = text.replace("%23", "#", 1)
    if _UNUSABLE.search(text):
        raise InvalidLink("the link holds spaces or control characters")
    try:
        return _take_apart(text)
    except (InvalidIdentifier, ValueError):
        # "from None": the causes may quote what they could not parse.
        raise InvalidLink from None


def _take_apart(text: str) -> Link:
    url = urlsplit(text)
    path = _PATH.fullmatch(url.path)
    if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc or path is None:
        raise InvalidLink("this is not the address of a file on a gateway")
    share, dot, claim = url.fragment.partition(".")
    if dot:
        unb64u(claim, CLAIM_BYTES, "claim secret")
    return Link(
        gateway=_origin(url.scheme, url.hostname, url.port),
        file_id=parse_file_id(path[1]),
        link_share=unb64u(share, LINK_SHARE_SIZE, "link share"),
        claim=claim if dot else None,
    )


def _origin(scheme: str, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    usual = port is None or port == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{shown}" if usual else f"{scheme}://{shown}:{port}"
