"""A chain source without a node of one's own: compact block filters (docs/light-client.md).

source.py     the chain source: what follows a block, answered by the clients below
answer.py     what follows a block, when all clients agree
followers.py  one client for each account, replaced when it must be
node.py       one client in its own thread;  wallet.py the wallet that it fills
footing.py    where the chain stands: peers.py greeted, headers.py fetched and checked
p2p.py        the few messages that takes;  dial.py connections, also through a proxy
"""
