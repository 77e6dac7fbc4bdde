"""The on-chain rail: every invoice gets a fresh address of the seller's own wallet."""

from __future__ import annotations

from functools import lru_cache

from bitcache.chain_types import CHAIN, txid_of
from bitcache.money import DUST, Sat
from bitcache.payment_rail import Destination, PayoutTerms
from wallet import address_crosscheck
from wallet.account import Account
from wallet.bip21 import payment_uri
from wallet.descriptors import read


class OnChainRail:
    """Issues addresses on ``network`` and puts their scripts into ``scripts``, which the watcher reads."""

    name = "onchain"
    scope = CHAIN

    def __init__(self, network: str, scripts: set[bytes], *, sees_unconfirmed: bool = True) -> None:
        self.network = network
        self.sees_unconfirmed = sees_unconfirmed
        self._scripts = scripts
        self._account = lru_cache(maxsize=1024)(lambda text: Account(text, network))

    def check(self, account: str, script_type: str | None = None) -> PayoutTerms:
        """Read what a seller typed and get the second opinion.

        Raise InvalidDescriptor, PrivateKeyRefused, WrongNetwork or, when the opinions differ,
        SalesPaused.  The first call takes half a second: call it in a thread.
        """
        account_read = read(account, self.network, script_type)
        address_crosscheck.confirm(account_read)
        first = tuple(account_read.address(index) for index in range(address_crosscheck.HOW_MANY))
        return PayoutTerms(account_read.text, account_read.script_type, DUST[account_read.script_type], first)

    def destination(self, account: str, index: int) -> Destination:
        """Return the ``index``-th address of a canonical descriptor."""
        script, address = self._account(account).derive(index)
        return Destination(script, address)

    def uri(self, destination: str, amount: Sat) -> str:
        """Return what a wallet scans (BIP21)."""
        return payment_uri(destination, amount)

    def reference_text(self, reference: str) -> str:
        """Return the transaction's id."""
        return txid_of(reference)

    def watch(self, match_key: bytes) -> None:
        """Look out for payments to this script, for ever.  The database knows whose it is: a million ids are 80 MB."""
        self._scripts.add(match_key)
