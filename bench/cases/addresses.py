"""Fresh addresses from an account, beside bitcoinlib."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from bench.case import Case, rate
from wallet.account import Account
from wallet.bitcoinlib_import import bitcoinlib

TPUB = "tpubDC8msFGeGuwnKG9Upg7DM2b4DaRqg3CUZa5g8v2SRQ6K4NSkxUgd7HsL2XVWbVm39yBA4LAxysQAm397zwQSQoQgewGiYZqrA9DsP4zbQ1M"
COUNT = 100


@contextmanager
def cases() -> Iterator[list[Case]]:
    """P2WPKH addresses at indexes not asked for before; the account itself is parsed beforehand by both."""
    account = Account(f"wpkh({TPUB}/0/*)", "regtest")
    library = bitcoinlib()
    branch = library.keys.HDKey.from_wif(TPUB, network="testnet").key_for_path(["0"])
    ours, theirs = itertools.count(), itertools.count()

    def derive() -> None:
        for index in itertools.islice(ours, COUNT):
            account.derive(index)

    def derive_there() -> None:
        for index in itertools.islice(theirs, COUNT):
            digest = library.encoding.hash160(branch.key_for_path([str(index)]).public_byte)
            library.encoding.pubkeyhash_to_addr_bech32(digest, "bcrt")

    note = "P2WPKH; script and address of one index"
    yield [Case("derive addresses", "1/s", rate(COUNT, derive), "bitcoinlib", rate(COUNT, derive_there), note)]
