"""A chain source without a node of one's own: compact block filters (docs/light-client.md).

light_source.py         the chain source: what follows a block, and why there is no answer
consensus.py      the rules of headers by network, and the block that each chain begins at
difficulty.py     how hard the next block must be;  header_chain.py our own checked headers, most work first
peer_discovery.py          where peers are found;  peer_pool.py connections, kept up;  peer_records.py who lied or hung up
peer_connection.py            one connection;  p2p_messages.py what peers answer;  dial_peer.py connections, also through a proxy
filter_quorum.py  what a block pays us, where peers agree;  block_filters.py BIP158;  verify_block.py proven by its header
"""
