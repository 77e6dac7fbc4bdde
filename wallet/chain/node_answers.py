"""What a node answers, checked as it arrives: a member that some version leaves out has a default, others are named.

Members by version: ``time`` of getblockchaininfo since Bitcoin Core 23, ``warnings`` a list since 28, ``loaded`` of
getmempoolinfo since 0.19, ``localrelay`` since 0.16.  More members than these are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bitcache.chain_errors import NodeConfused

T = TypeVar("T")


class _Answer(BaseModel):
    """An object of a node; strict, as JSON has its own types."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class ChainInfo(_Answer):
    """``getblockchaininfo``."""

    chain: str
    blocks: int
    bestblockhash: str
    headers: int = 0
    initialblockdownload: bool = False
    time: int | None = None
    mediantime: int | None = None
    pruned: bool = False
    pruneheight: int | None = None
    warnings: str | list[str] | None = None

    @property
    def known(self) -> int:
        """Height up to which the node knows of blocks, whether it has them or not."""
        return max(self.headers, self.blocks)

    @property
    def warning(self) -> str:
        """What the node itself says is wrong."""
        return self.warnings if isinstance(self.warnings, str) else " ".join(self.warnings or ())


class NetworkInfo(_Answer):
    """``getnetworkinfo``."""

    version: int = 0
    connections: int | None = None
    localrelay: bool = True


class Header(_Answer):
    """``getblockheader``: ``confirmations`` is negative off the chain."""

    confirmations: int
    nextblockhash: str | None = None


class MempoolInfo(_Answer):
    """``getmempoolinfo``."""

    loaded: bool = True


class FeeEstimate(_Answer):
    """``estimatesmartfee``: ``feerate`` in BTC per 1000 vbytes, left out where the node cannot tell."""

    feerate: Decimal | None = None

    @property
    def sat_per_kvb(self) -> int | None:
        """Satoshis per 1000 vbytes."""
        return int(self.feerate * 100_000_000) if self.feerate is not None and self.feerate > 0 else None


class ZmqNotification(_Answer):
    """One of ``getzmqnotifications``."""

    type: str = ""
    address: str = ""


class Tip(_Answer):
    """``waitfornewblock``."""

    hash: str


class Peer(_Answer):
    """One of ``getpeerinfo``."""

    id: int


_TEXTS, _TEXT = TypeAdapter(list[str]), TypeAdapter(str)
_NOTIFICATIONS, _PEERS = TypeAdapter(list[ZmqNotification]), TypeAdapter(list[Peer])


def chain_info(answer: Any) -> ChainInfo:
    """Read ``getblockchaininfo``; raise NodeConfused when it is something else, as all of these do."""
    return _read("getblockchaininfo", ChainInfo.model_validate, answer)


def network_info(answer: Any) -> NetworkInfo:
    """Read ``getnetworkinfo``."""
    return _read("getnetworkinfo", NetworkInfo.model_validate, answer)


def header(answer: Any) -> Header:
    """Read ``getblockheader``."""
    return _read("getblockheader", Header.model_validate, answer)


def mempool_info(answer: Any) -> MempoolInfo:
    """Read ``getmempoolinfo``."""
    return _read("getmempoolinfo", MempoolInfo.model_validate, answer)


def fee_estimate(answer: Any) -> FeeEstimate:
    """Read ``estimatesmartfee``."""
    return _read("estimatesmartfee", FeeEstimate.model_validate, answer)


def notifications(answer: Any) -> list[ZmqNotification]:
    """Read ``getzmqnotifications``."""
    return _read("getzmqnotifications", lambda value: _NOTIFICATIONS.validate_python(value, strict=True), answer)


def tip(answer: Any) -> Tip:
    """Read ``waitfornewblock``."""
    return _read("waitfornewblock", Tip.model_validate, answer)


def peers(answer: Any) -> list[Peer]:
    """Read ``getpeerinfo``."""
    return _read("getpeerinfo", lambda value: _PEERS.validate_python(value, strict=True), answer)


def transaction_ids(answer: Any) -> list[str]:
    """Read ``getrawmempool``."""
    return _read("getrawmempool", lambda value: _TEXTS.validate_python(value, strict=True), answer)


def text(method: str, answer: Any) -> str:
    """Read a string, such as a block hash."""
    return _read(method, lambda value: _TEXT.validate_python(value, strict=True), answer)


def raw(method: str, answer: Any) -> bytes:
    """Read bytes in hex: a block or a transaction."""
    return _read(method, lambda value: bytes.fromhex(_TEXT.validate_python(value, strict=True)), answer)


def _read(method: str, check: Callable[[Any], T], answer: Any) -> T:
    try:
        return check(answer)
    except ValidationError as error:
        member = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "all of it"
    except ValueError:
        member = "no hex"
    raise NodeConfused(f"the node's answer to {method} is not understood ({member})")
