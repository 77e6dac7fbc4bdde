"""Whether an absent transaction can still be in a block: the node is asked for every output that it spends.

An output that nothing in a block or in the mempool has spent is there (``gettxout``).  One that is not there was spent
by something else, unless what makes it is itself absent: then that one is looked at in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from bitcache.chain_errors import ChainError
from bitcache.chain_types import Absent
from wallet.block_outputs import spent_by, transaction_id
from wallet.chain import node_answers
from wallet.chain.node_rpc import NodeRpc


async def find_conflicted(rpc: NodeRpc, absent: Sequence[Absent]) -> set[str]:
    """Return the ids of those that are conflicted; raise ChainError when the node cannot be asked."""
    made = {transaction_id(raw): raw for transaction in absent for raw in transaction.transactions}
    present = set(node_answers.transaction_ids(await rpc.call("getrawmempool")))
    outputs = sorted({output for raw in made.values() for output in spent_by(raw)})
    answers = await rpc.batch([("gettxout", txid, number, True) for txid, number in outputs])
    for answer in answers:
        if isinstance(answer, ChainError):
            raise answer
    spent = {output for output, answer in zip(outputs, answers, strict=True) if answer is None}
    present |= set(
        node_answers.transaction_ids(await rpc.call("getrawmempool"))
    )  # what came meanwhile has spent them itself
    dead = _dead(made, spent, present)
    return {transaction.txid for transaction in absent if transaction.txid in dead}


def _dead(made: dict[str, bytes], spent: set[tuple[str, int]], present: set[str]) -> set[str]:
    """Return those of ``made`` that spend what is spent, or what a dead one makes."""
    waits = {txid: raw for txid, raw in made.items() if txid not in present}
    dead: set[str] = set()
    while True:
        unspent = {
            txid
            for txid, raw in waits.items()
            if txid not in dead
            for parent, number in spent_by(raw)
            if (parent, number) in spent and (parent in dead or parent not in waits)
        }
        if not unspent:
            return dead
        dead |= unspent
