"""Chain sources: where blocks and unconfirmed payments come from.

chain_source.py           the port: how the watcher asks a chain for the next block
bitcoind_source.py        your own node
  node_rpc.py               JSON-RPC to it
  node_calls.py             which calls are made
  node_answers.py           what it answers, checked
  node_zmq.py               where it publishes transactions
  block_prefetch.py         the next block, read while this one is processed
  mempool_payments.py       payments that wait for a block
  spent_inputs.py           whether a transaction that vanished can still confirm
light/                    compact block filters: no node needed (docs/light-client.md)
simulated_chain.py        a chain in memory, for demonstrations without a node
regtest_node.py           a private node with a wallet that pays, for demonstrations and tests
read_chain_range.py       a chain read again, for a rescan
discover_local_nodes.py   nodes on this machine
bitcoind_executable.py    a bitcoind to run, found or fetched (get_bitcoind.sh)
node_checkup.py           what ``bitcache doctor`` asks a node
"""
