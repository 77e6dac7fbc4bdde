"""The composition root: the one place that knows every part, and the only one in ``gateway`` that imports ``wallet``.

start_gateway.py     running(settings)             everything built and started; ended in order
                     rescan_payments(settings)     stored payments compared with the chain, and corrected
                     resume_sales(settings)        what the operator says about a restored backup
init_data_folder.py  init_data_folder(settings)    a data folder, its keys, its database, the first seller's token
                     check_payout(settings, text)  what a seller typed, read as the gateway would
account_tools.py     make_invite(settings, days)   what an operator makes beside a running gateway
operator_tools.py    take_down(settings, file, …)  what an operator decides beside it
connected_wallets.py                               the Lightning wallets that sellers connected
wallet_checkup.py    wallet_facts(settings, …)     how they are, asked from outside
paying_wallet.py     paying_wallet(connection, …)  the one that a buyer pays from
chain_selection.py   choose_chain(network)         a node on this machine, if one answers
                     node_facts(settings, cursor)  how the configured node is, asked from outside
                     private_chain(folder, …)      a chain without value, for demonstrations
private_lightning.py private_lightning(folder, …)  two real Lightning wallets on it
maintenance.py       what is done once an hour
"""

from __future__ import annotations

from gateway.compose.account_tools import all_sellers, make_invite, make_token
from gateway.compose.chain_selection import (
    ChainChoice,
    PrivateChain,
    bitcoind_program,
    choose_chain,
    node_facts,
    private_chain,
)
from gateway.compose.init_data_folder import check_payout, init_data_folder
from gateway.compose.private_lightning import PrivateLightning, electrum_programs, private_lightning
from gateway.compose.start_gateway import rescan_payments, resume_sales, running
from gateway.compose.wallet_checkup import WalletFacts, wallet_facts
from wallet.chain.chain_source import ChainStatus
from wallet.chain.node_calls import CALLS, Need, whitelist
from wallet.chain.node_checkup import CursorAt, NodeFacts, Zmq

__all__ = [
    "CALLS",
    "ChainChoice",
    "ChainStatus",
    "CursorAt",
    "Need",
    "NodeFacts",
    "PrivateChain",
    "PrivateLightning",
    "WalletFacts",
    "Zmq",
    "all_sellers",
    "bitcoind_program",
    "check_payout",
    "choose_chain",
    "electrum_programs",
    "init_data_folder",
    "make_invite",
    "make_token",
    "node_facts",
    "private_chain",
    "private_lightning",
    "rescan_payments",
    "resume_sales",
    "running",
    "wallet_facts",
    "whitelist",
]
