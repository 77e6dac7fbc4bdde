"""Bitcoin, watch-only.  No private key ever enters this process.

    descriptors.py     what a seller typed in, read or refused with the reason
      wallet_exports.py          what wallets export around it: JSON, several descriptors, headings
      refuse_private_keys.py  private keys and seed words, recognised
      extended_keys.py    xpub, zpub and their kin
    account.py         a canonical descriptor; scripts and addresses out (Bitcoin Dev Kit)
    address_crosscheck.py  the first addresses once more, by an independent library
      bitcoinlib_import.py  that library, imported without its habits
    bip21.py           payment URIs
    networks.py        what each Bitcoin network is called, by whom
    block_outputs.py          outputs of raw blocks and transactions, matched against our scripts
    chain/base.py      the port: how the watcher asks a chain for the next block
    chain/bitcoind.py    ... your own node (chain/rpc.py speaks to it, chain/mempool.py sees early,
                         chain/conflicts.py what was replaced)
    chain/node_calls.py  what a node is asked;  node_answers.py what it answers;  node_zmq.py what it publishes
    chain/discover.py  nodes on this machine      chain/checkup.py   what doctor asks a node
    chain/reading.py   a chain read again, for a rescan
    chain/light/       ... compact block filters, no node needed (docs/light-client.md)
    chain/simulated.py   ... a chain in memory, for demonstrations without a node
    chain/regtest.py     a private node with a purse, for demonstrations and tests (bitcoind_executable.py finds one)
    rails/onchain.py   the on-chain rail: issues addresses, watches scripts
    watcher.py         step 4: follows a chain source and reports to bitcache.block_processing

How a payment travels: ``OnChainRail.watch`` puts an invoice's script into one shared dictionary.
The :class:`~wallet.watcher.Watcher` asks its chain source for one step after another ("the next
block", "your block left the chain", "nothing new") and writes each to the ledger in one
transaction with its cursor, so a crash at any instant repeats a step and repeating changes nothing.

This package imports ``bitcache`` and nothing of ``gateway``.
"""
