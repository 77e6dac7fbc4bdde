"""Events that break things."""

from __future__ import annotations

import contextlib
import time
from random import Random

from chaos import blocks, payments
from chaos.rpc import Refused
from chaos.world import Violation, World

HOUR = 3_600
JUMPS = (-3 * 24 * HOUR, -HOUR, -90, 65, 130, HOUR, 24 * HOUR)


def kill(world: World, rng: Random) -> str | None:
    """SIGKILL at any instant, that of starting included."""
    if not _may_kill(world):
        return None
    time.sleep(rng.random() * 0.1)
    return _kill(world, rng, "while idle")


def kill_in_a_block(world: World, rng: Random) -> str | None:
    """SIGKILL some milliseconds after new blocks."""
    if not _may_kill(world):
        return None
    blocks.mine(world, rng)
    world.look()
    time.sleep(rng.random() * 0.04)
    return _kill(world, rng, "in a block")


def kill_in_a_reorg(world: World, rng: Random) -> str | None:
    """SIGKILL some milliseconds after a reorganisation."""
    if not _may_kill(world):
        return None
    blocks.reorganise(world, rng)
    world.look()
    time.sleep(rng.random() * 0.06)
    return _kill(world, rng, "in a reorganisation")


def kill_in_a_purchase(world: World, rng: Random) -> str | None:
    """SIGKILL some milliseconds after buyers asked for invoices."""
    if not _may_kill(world):
        return None
    killed: list[str] = []

    def meanwhile() -> None:
        time.sleep(rng.random() * 0.02)
        killed.append(_kill(world, rng, "in a purchase"))

    answered = world.begin_purchases(
        [payments.choose_purchase(world, rng) for _ in range(rng.randint(1, 4))], meanwhile
    )
    return f"{killed[0]}, {len(answered)} answered"


def stop_the_gateway(world: World, rng: Random) -> str | None:
    """SIGTERM, as an operator does."""
    if world.gateway.ended_with() is not None or not world.gateway.answers():
        return None
    code = world.gateway.stop()
    if code != 0 and not world.disk.is_full:  # then it says what it could not write
        raise Violation(f"the gateway did not stop in order: exit code {code}")
    world.start_gateway()
    world.counts["gateway stopped in order"] += 1
    return f"stopped the gateway, exit code {code}"


def stop_the_node(world: World, rng: Random) -> str | None:
    """It ends in order and comes back, and remembers its mempool."""
    world.node.stop()
    world.counts["node stopped"] += 1
    _meanwhile(world, rng)
    return "stopped the node"


def kill_the_node(world: World, rng: Random) -> str | None:
    """SIGKILL: its mempool is gone, and so are the blocks since its last flush."""
    before = world.node.height
    world.node.flush()
    lost = rng.randint(0, 3)
    if lost:
        world.node.mine(lost)
        world.look()
        time.sleep(rng.random() * 0.2)
    world.node.kill()
    world.counts["node killed"] += 1
    _meanwhile(world, rng)
    return f"killed the node at {before + lost}, it came back at {world.node.height}"


def cut_zmq(world: World, rng: Random) -> str | None:
    """The node's early news stop, or come again."""
    if world.proxy.is_cut:
        world.proxy.restore()
        return "restored zmq"
    world.proxy.cut()
    world.counts["zmq cut"] += 1
    return "cut zmq"


def fill_the_disk(world: World, rng: Random) -> str | None:
    """Not a byte is free for the database, or there is room again."""
    if world.disk.is_full:
        world.disk.empty(None if world.gateway.ended_with() is not None else world.gateway.pid)
        return "emptied the disk"
    if world.gateway.ended_with() is not None:
        return None
    world.disk.fill(world.gateway.pid)
    world.counts["disk full"] += 1
    return "filled the disk"


def jump_the_clock(world: World, rng: Random) -> str | None:
    """The gateway's clock is suddenly wrong, or right again."""
    offset = 0 if rng.random() < 0.3 else world.clock.offset + rng.choice(JUMPS)
    if abs(offset) > 30 * 24 * HOUR:
        offset = 0
    world.clock.set(offset)
    world.counts["clock jump"] += 1
    return f"clock off by {offset} s"


def jump_the_nodes_clock(world: World, rng: Random) -> str | None:
    """Within what other blocks allow."""
    ahead = rng.choice((0, 60, 600, 3_000))
    world.node.rpc("setmocktime", int(time.time()) + ahead if ahead else 0)
    world.counts["clock jump of the node"] += 1
    return f"node's clock off by {ahead} s"


def _may_kill(world: World) -> bool:
    """One gateway in four is killed while it starts; the others may answer first, and work for a while."""
    if world.kill_while_starting:
        return True
    if world.no_kill_before is None and world.gateway.answers():
        world.no_kill_before = time.monotonic() + world.work_before_kill
    return world.no_kill_before is not None and time.monotonic() >= world.no_kill_before


def _kill(world: World, rng: Random, when: str) -> str:
    world.mind_the_gateway()
    young = not world.gateway.answers()
    world.gateway.kill()
    world.counts["SIGKILL"] += 1
    world.counts["SIGKILL while starting" if young else f"SIGKILL {when}"] += 1
    if rng.random() < 0.3:
        time.sleep(rng.random() * 0.3)
    world.start_gateway()
    world.kill_while_starting = rng.random() < 0.25
    world.no_kill_before, world.work_before_kill = None, rng.uniform(0, 1.5)
    return f"killed the gateway {when}{' while starting' if young else ''}"


def _meanwhile(world: World, rng: Random) -> None:
    """The node is away for a while, and comes back."""
    if rng.random() < 0.3 and _may_kill(world):
        _kill(world, rng, "while the node is away")
    time.sleep(rng.random() * 1.2)
    world.node.start()
    with contextlib.suppress(Refused):
        world.node.rpc("getblockchaininfo")
