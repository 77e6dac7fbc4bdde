"""Events that break things."""

from __future__ import annotations

import contextlib
import time
from random import Random

from chaos import blocks, payments
from chaos.environment import Environment, Violation
from chaos.rpc import Refused

HOUR = 3_600
#: A Lightning invoice that ended a week ago is asked for no more, so no two readings are a week apart.
MOST_OFF = 3 * 24 * HOUR
JUMPS = (-3 * 24 * HOUR, -HOUR, -90, 65, 130, HOUR, 24 * HOUR)


def kill(environment: Environment, rng: Random) -> str | None:
    """SIGKILL at any instant, that of starting included."""
    if not _may_kill(environment):
        return None
    time.sleep(rng.random() * 0.1)
    return _kill(environment, rng, "while idle")


def kill_in_a_block(environment: Environment, rng: Random) -> str | None:
    """SIGKILL some milliseconds after new blocks."""
    if not _may_kill(environment):
        return None
    blocks.mine(environment, rng)
    environment.look()
    time.sleep(rng.random() * 0.04)
    return _kill(environment, rng, "in a block")


def kill_in_a_reorg(environment: Environment, rng: Random) -> str | None:
    """SIGKILL some milliseconds after a reorganisation."""
    if not _may_kill(environment):
        return None
    blocks.reorganise(environment, rng)
    environment.look()
    time.sleep(rng.random() * 0.06)
    return _kill(environment, rng, "in a reorganisation")


def kill_in_a_purchase(environment: Environment, rng: Random) -> str | None:
    """SIGKILL some milliseconds after buyers asked for invoices."""
    if not _may_kill(environment):
        return None
    killed: list[str] = []

    def meanwhile() -> None:
        time.sleep(rng.random() * 0.02)
        killed.append(_kill(environment, rng, "in a purchase"))

    answered = environment.begin_purchases(
        [payments.choose_purchase(environment, rng) for _ in range(rng.randint(1, 4))], meanwhile
    )
    return f"{killed[0]}, {len(answered)} answered"


def stop_the_gateway(environment: Environment, rng: Random) -> str | None:
    """SIGTERM, as an operator does."""
    if environment.gateway.ended_with() is not None or not environment.gateway.answers():
        return None
    code = environment.gateway.stop()
    if code != 0 and not environment.disk.is_full:  # then it says what it could not write
        raise Violation(f"the gateway did not stop in order: exit code {code}")
    environment.start_gateway()
    environment.counts["gateway stopped in order"] += 1
    return f"stopped the gateway, exit code {code}"


def stop_the_node(environment: Environment, rng: Random) -> str | None:
    """It ends in order and comes back, and remembers its mempool."""
    environment.node.stop()
    environment.counts["node stopped"] += 1
    _meanwhile(environment, rng)
    return "stopped the node"


def kill_the_node(environment: Environment, rng: Random) -> str | None:
    """SIGKILL: its mempool is gone, and so are the blocks since its last flush."""
    before = environment.node.height
    environment.node.flush()
    lost = rng.randint(0, 3)
    if lost:
        environment.node.mine(lost)
        environment.look()
        time.sleep(rng.random() * 0.2)
    environment.node.kill()
    environment.counts["node killed"] += 1
    _meanwhile(environment, rng)
    return f"killed the node at {before + lost}, it came back at {environment.node.height}"


def cut_zmq(environment: Environment, rng: Random) -> str | None:
    """The node's early news stop, or come again."""
    if environment.proxy.is_cut:
        environment.proxy.restore()
        return "restored zmq"
    environment.proxy.cut()
    environment.counts["zmq cut"] += 1
    return "cut zmq"


def fill_the_disk(environment: Environment, rng: Random) -> str | None:
    """Not a byte is free for the database, or there is room again."""
    if environment.disk.is_full:
        environment.disk.empty(None if environment.gateway.ended_with() is not None else environment.gateway.pid)
        return "emptied the disk"
    if environment.gateway.ended_with() is not None:
        return None
    environment.disk.fill(environment.gateway.pid)
    environment.counts["disk full"] += 1
    return "filled the disk"


def jump_the_clock(environment: Environment, rng: Random) -> str | None:
    """The gateway's clock is suddenly wrong, or right again."""
    offset = 0 if rng.random() < 0.3 else environment.clock.offset + rng.choice(JUMPS)
    if abs(offset) > MOST_OFF:
        offset = 0
    environment.clock.set(offset)
    environment.counts["clock jump"] += 1
    return f"clock off by {offset} s"


def jump_the_nodes_clock(environment: Environment, rng: Random) -> str | None:
    """Within what other blocks allow."""
    ahead = rng.choice((0, 60, 600, 3_000))
    environment.node.rpc("setmocktime", int(time.time()) + ahead if ahead else 0)
    environment.counts["clock jump of the node"] += 1
    return f"node's clock off by {ahead} s"


def _may_kill(environment: Environment) -> bool:
    """One gateway in four is killed while it starts; the others may answer first, and work for a while."""
    if environment.kill_while_starting:
        return True
    if environment.no_kill_before is None and environment.gateway.answers():
        environment.no_kill_before = time.monotonic() + environment.work_before_kill
    return environment.no_kill_before is not None and time.monotonic() >= environment.no_kill_before


def _kill(environment: Environment, rng: Random, when: str) -> str:
    environment.mind_the_gateway()
    young = not environment.gateway.answers()
    environment.gateway.kill()
    environment.counts["SIGKILL"] += 1
    environment.counts["SIGKILL while starting" if young else f"SIGKILL {when}"] += 1
    if rng.random() < 0.3:
        time.sleep(rng.random() * 0.3)
    environment.start_gateway()
    environment.kill_while_starting = rng.random() < 0.25
    environment.no_kill_before, environment.work_before_kill = None, rng.uniform(0, 1.5)
    return f"killed the gateway {when}{' while starting' if young else ''}"


def _meanwhile(environment: Environment, rng: Random) -> None:
    """The node is away for a while, and comes back."""
    if rng.random() < 0.3 and _may_kill(environment):
        _kill(environment, rng, "while the node is away")
    time.sleep(rng.random() * 1.2)
    environment.node.start()
    with contextlib.suppress(Refused):
        environment.node.rpc("getblockchaininfo")
