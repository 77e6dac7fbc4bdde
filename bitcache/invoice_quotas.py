"""How many unpaid invoices may be open at once, and what the next one costs: pure functions of a few numbers.

Asking for an invoice is free, and each takes an address of the seller's wallet, so what buyers take is bounded
four times: by network, by listing, by account, and in all.  A network's quota is a bound for itself and for each
larger network around it, so that nobody gets more by having many addresses.

The others are bounds for everybody, so what one network takes is missing to all.  The fuller they are, the more is
asked: networks that have something open already pay with proof of work from half on, and get nothing more from three
quarters on; what is left is kept for networks with nothing open, who pay with proof of work only when it runs out.

An account's unpaid run is bounded too: a wallet looks only so far past the last address that was paid.  A run cannot
be given back when invoices expire, only by a payment, so at its bound sales are slowed, not stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bitcache.buyer_networks import SITE
from bitcache.errors import TooManyBuyers, TooManyInvoices

#: The quota of a larger network, in quotas of the smallest: as in :data:`bitcache.buyer_networks.PREFIX_LENGTHS`.
MULTIPLES = (1, 1, 2, 8)
#: How full things are when networks that have something open begin to work for more, and when they get no more.
WORK_FROM, RESERVED_FROM = 1 / 2, 3 / 4
#: The hardest proof of work: some seconds of a desktop computer, a quarter of a minute of a phone.
MOST_BITS = 14
#: An account that gave out no address for so long asks for no work because of its unpaid run.
QUIET_SECONDS = 60
#: An invoice is open for this part of its usual time at the least, however full things are.
SHORTEST_EXPIRY = 1 / 4


@dataclass(frozen=True, slots=True)
class Quotas:
    """Unpaid invoices open at once, but for the last three.

    ``gap_limit`` is how many unpaid addresses the seller's wallet looks past; ``run`` how many may lie in a row before
    sales to an account are slowed to one every ``slow_seconds``.
    """

    network: int = 20
    listing: int = 1_000
    account: int = 1_000
    everything: int = 10_000
    gap_limit: int = 20
    run: int = 1_000
    slow_seconds: int = 300


@dataclass(frozen=True, slots=True)
class Use:
    """What is open now.  ``networks`` as in :class:`bitcache.buyer_networks.Networks`, one alone if it
    is shared by many.

    ``run`` counts the account's addresses since the last paid one; the newest was given out ``idle`` seconds ago.
    """

    networks: tuple[int, ...]
    listing: int
    account: int
    everything: int
    run: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms one more invoice is made: leading zero bits of proof of work, and part of the usual expiry."""

    bits: int
    expiry: float


def terms_of(use: Use, quotas: Quotas) -> Terms:
    """Return the terms of one more invoice; raise TooManyInvoices when there is no room."""
    shared = len(use.networks) == 1
    newcomer = not shared and use.networks[SITE] == 0
    own = _own_share(use, quotas)
    full = max(use.listing / quotas.listing, use.account / quotas.account, use.everything / quotas.everything)
    pressure = max(full, use.run / quotas.run)
    if own >= 1 and not shared:
        raise TooManyInvoices("too many unpaid invoices are open from this network")
    if full >= 1 or (pressure >= RESERVED_FROM and not newcomer and not shared):
        raise TooManyBuyers(retry_after=60)
    _refuse_hasty(use, quotas)
    bits = max(
        _bits_for_share(own, shared=shared),
        _bits_for_pressure(pressure, shared=shared, newcomer=newcomer),
        _bits_for_run(use, quotas, newcomer=newcomer),
    )
    return Terms(min(bits, MOST_BITS), _expiry(full))


def _own_share(use: Use, quotas: Quotas) -> float:
    """Return what part of their quotas the asker's own networks have taken, the fullest of them."""
    limits = [quotas.network * multiple for multiple in MULTIPLES]
    return max(count / limit for count, limit in zip(use.networks, limits, strict=False))


def _refuse_hasty(use: Use, quotas: Quotas) -> None:
    """Allow one at a time when too many addresses in a row are unpaid; a clock that was set back makes nobody wait."""
    if use.run >= quotas.run and 0 <= use.idle < quotas.slow_seconds:
        wait = quotas.slow_seconds - use.idle
        text = "too many of the seller's invoices in a row were not paid, so new ones are made slowly"
        raise TooManyBuyers(text, hint=f"Try again in {math.ceil(wait / 60)} minutes.", retry_after=wait)


def _bits_for_share(own: float, *, shared: bool) -> int:
    """Return the bits of work that a quota costs: half of it is free, and each doubling costs four bits."""
    if own <= WORK_FROM:
        return 0
    return round(6 + 4 * math.log2(own / WORK_FROM)) if shared else _between(6, 12, (own - WORK_FROM) / (1 - WORK_FROM))


def _bits_for_pressure(pressure: float, *, shared: bool, newcomer: bool) -> int:
    """Return what is left of what everybody takes from; newcomers pay for its last quarter alone."""
    start, least, end = (RESERVED_FROM, 6, 1.0) if newcomer else (WORK_FROM, 8, 1.0 if shared else RESERVED_FROM)
    return _between(least, MOST_BITS, (pressure - start) / (end - start)) if pressure >= start else 0


def _bits_for_run(use: Use, quotas: Quotas, *, newcomer: bool) -> int:
    """Return a little from the wallet's gap limit on, rising with every doubling; the most at the bound.

    A minute after the last invoice there is one without work, for those who cannot do it (a page without JavaScript).
    """
    if use.run >= quotas.run:
        return MOST_BITS
    if use.run < quotas.gap_limit or not 0 <= use.idle < QUIET_SECONDS:
        return 0
    part = math.log(use.run / quotas.gap_limit) / math.log(quotas.run / quotas.gap_limit)
    return _between(2, 6, part) if newcomer else _between(4, 10, part)


def _between(least: int, most: int, part: float) -> int:
    return round(least + (most - least) * min(1.0, max(0.0, part)))


def _expiry(full: float) -> float:
    """Return the part of the usual time that an invoice stays open: all of it until half full, then ever less."""
    return max(SHORTEST_EXPIRY, min(1.0, 2 * (1 - full)))
