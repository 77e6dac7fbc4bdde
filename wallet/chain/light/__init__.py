"""A chain source without a node of one's own: compact block filters (docs/light-client.md).

light_source.py     the chain source: what follows a block, and why there is no answer
header_chain.py     our own checked headers, most work first
  consensus.py        the rules for headers by network, and the block each chain begins at
  difficulty.py       how hard the next block must be
peer_discovery.py   where peers are found
peer_pool.py        connections, kept up
peer_records.py     which peers lied or hung up
peer_connection.py  one connection
  dial_peer.py        connecting, directly or through a SOCKS5 proxy
  p2p_messages.py     what peers answer
filter_quorum.py    what a block pays us, where enough peers agree
  block_filters.py    BIP158
verify_block.py     a whole block, proven by its header
"""
