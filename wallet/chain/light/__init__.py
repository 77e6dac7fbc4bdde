"""A chain source without a node of one's own: compact block filters (docs/light-client.md).

source.py         the chain source: what follows a block, and why there is no answer
consensus.py      the rules of headers by network, and the block that each chain begins at
difficulty.py     how hard the next block must be;  header_chain.py our own checked headers, most work first
peers.py          where peers are found;  peer_pool.py connections, kept up;  misbehaving.py who lied or hung up
p2p.py            one connection;  messages.py what peers answer;  dial.py connections, also through a proxy
filter_quorum.py  what a block pays us, where peers agree;  filters.py BIP158;  whole_block.py proven by its header
"""
