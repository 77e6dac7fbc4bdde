"""Bitcoin, watch-only.  No private key ever enters this process.

    descriptors.py          what a seller typed, read or refused with the reason
      wallet_exports.py       what wallets export around it: JSON, several descriptors, headings
      refuse_private_keys.py  private keys and seed words, recognised and refused
      extended_keys.py        xpub, zpub and the like
    account.py              a canonical descriptor; scripts and addresses out (Bitcoin Dev Kit)
    address_crosscheck.py   the first addresses once more, by an independent library
      bitcoinlib_import.py    that library, imported without its side effects
    bip21.py                payment URIs
    networks.py             what each Bitcoin network is called, by whom
    block_outputs.py        outputs of raw blocks and transactions, matched against our scripts
    chain/                  where blocks and unconfirmed payments come from: a node, block filters, a simulation
    rails/                  ways to be paid: on-chain, Lightning, a simulated wallet service
    lightning/              Lightning wallets: asked for invoices, and whether those were paid
    guarded_process.py      programs that end when this process does, for demonstrations and tests
      free_ports.py           ports for them
      fetched_program.py      found or fetched by a script: get_bitcoind.sh, get_electrum.sh (debian_archive.sh)
    watcher.py              step 4: follows a chain source and reports to bitcache.block_processing

How a payment travels: ``OnChainRail.watch`` puts an invoice's script into one shared dictionary.
The :class:`~wallet.watcher.Watcher` asks its chain source for one step after another ("the next
block", "your block left the chain", "nothing new") and writes each to the database in one
transaction with its cursor, so a crash at any instant repeats a step and repeating changes nothing.

This package imports ``bitcache`` and nothing of ``gateway``.
"""
