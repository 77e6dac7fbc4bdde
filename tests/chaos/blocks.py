"""Events that move the chain."""

from __future__ import annotations

from random import Random

from chaos.environment import Environment
from chaos.payments import instead
from chaos.rpc import Refused

DEEPEST = 6


def mine(environment: Environment, rng: Random) -> str | None:
    """One to three blocks with everything that waits."""
    blocks = rng.choice((1, 1, 1, 2, 3))
    environment.node.mine(blocks)
    return f"mined {blocks}"


def mine_some(environment: Environment, rng: Random) -> str | None:
    """A block with some of what waits, or with nothing."""
    waiting = environment.node.mempool()
    chosen = rng.sample(waiting, rng.randint(0, min(len(waiting), 5)))
    environment.node.mine_these(chosen)
    return f"mined a block with {len(chosen)} of {len(waiting)}"


def mine_many(environment: Environment, rng: Random) -> str | None:
    """A hundred blocks: rewards mature."""
    environment.node.mine(100)
    return "mined 100"


def reorganise(environment: Environment, rng: Random) -> str | None:
    """The newest blocks are replaced; what they held is mined again, later, never, or spent elsewhere."""
    depth = rng.randint(1, DEEPEST)
    stale, raw = environment.node.undo(depth)
    environment.stale_branches.append(stale)
    environment.look()  # what is released when it is seen may be seen now
    conflicts = 0
    if rng.random() < 0.4:
        conflicts = _spend_elsewhere(environment, rng)
        environment.look()
    new = depth + rng.randint(1, 2)
    shares: list[list[str]] = [[] for _ in range(new)]
    for raw_block in raw:
        if rng.random() < 0.6:
            shares[rng.randrange(new)].append(raw_block)
    for share in shares:
        try:
            environment.node.mine_these(share)
        except Refused:
            environment.node.mine_these([])
    environment.counts["reorg"] += 1
    environment.counts[f"reorg of depth {depth}"] += 1
    return f"reorganised {depth} deep, {len(raw)} transactions undone, {conflicts} spent elsewhere"


def reorganise_back(environment: Environment, rng: Random) -> str | None:
    """An abandoned branch becomes the chain again, in one step: the same blocks come twice."""
    if not environment.stale_branches:
        return None
    rpc, stale = environment.node.rpc, environment.stale_branches.pop()
    height, tip = rpc("getblockheader", stale)["height"], environment.node.height
    depth = tip - height + 1
    if not 1 <= depth <= DEEPEST:
        return None
    current, before = rpc("getblockhash", height), rpc("getbestblockhash")
    if current == stale:
        return None
    rpc("reconsiderblock", stale)
    rpc("invalidateblock", current)
    environment.stale_branches.append(current)
    if rpc("getbestblockhash") == before:
        return None
    environment.look()  # also when nothing is mined on it
    environment.node.mine(rng.randint(1, 2))
    environment.counts["reorg"] += 1
    environment.counts[f"reorg of depth {depth}"] += 1
    environment.counts["reorg back to an abandoned branch"] += 1
    return f"reorganised back, {depth} deep"


def _spend_elsewhere(environment: Environment, rng: Random) -> int:
    """Replace one of the payments that wait again by one that cannot stand beside it."""
    waiting = [txid for txid in environment.node.mempool() if txid in environment.sent]
    if not waiting:
        return 0
    made = instead(environment, rng, environment.sent[rng.choice(waiting)])
    environment.node.mine_these([made.raw])
    return 1
