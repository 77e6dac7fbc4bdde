"""Runs the real gateway as ``bitcache serve`` does, but with a clock that can be set, a second rail over a simulated
wallet and, if told so, a fault put in.

    python tests/chaos/gateway_process.py CONFIG CLOCK_FILE WALLET_FILE        with BITCHAOS_MUTATION=name

This process imports everything once and forks a gateway at each ``start`` on its standard input, so that a
gateway listens a quarter of a second after it was killed, where importing alone takes longer.  It answers
``start`` with the gateway's process id, and ``poll`` and ``wait`` with its exit code (-9: killed) or nothing.
The clock file holds the seconds by which the gateway's clock is wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MUTATION = "BITCHAOS_MUTATION"
REFUSED = 9
ANSWER_SECONDS, LOOKUPS_A_MINUTE = 2.0, 1_500


def clock_of(file: Path) -> Callable[[], int]:
    """Real time plus the offset in the file, which is replaced by renaming and so never half there."""
    return lambda: int(time.time()) + int(file.read_text())


async def serve(config: Path, clock_file: Path, wallet_file: Path) -> None:
    """``gateway.server.app.serve``, with another clock and a second rail."""
    from gateway.compose import running
    from gateway.config.load_settings import load
    from gateway.diagnostics import logs
    from gateway.server.app import listening
    from wallet.rails.simulated import SimulatedRail
    from wallet.rails.simulated_wallet_service import SimulatedWallet

    settings = load(config)
    logs.configure(settings.log)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    clock = clock_of(clock_file)
    rail = SimulatedRail(SimulatedWallet(wallet_file), clock, lifetime=30)
    async with running(settings, clock=clock, preparing=(rail,)) as context, listening(context):
        await stop.wait()


def run_gateway(*where: Path) -> int:
    """In the forked process, to its end; what it says goes where the launcher's errors go."""
    from bitcache.errors import BitcacheError

    os.dup2(2, 1)
    try:
        asyncio.run(serve(*where))
    except (BitcacheError, OSError) as error:
        print(f"refused to start: {error}", flush=True)
        return REFUSED
    return 0


def fork(*where: Path) -> int:
    """A fresh gateway's process id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    with contextlib.suppress(BaseException):
        os.close(0)
        code = run_gateway(*where)
    os._exit(code)


def prepare() -> None:
    """Import what a gateway imports while it starts, and put the fault in."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    import gateway.server.app  # noqa: F401
    from wallet.bitcoinlib_import import bitcoinlib

    bitcoinlib()
    hasten()
    if name := os.environ.get(MUTATION):
        from chaos import lightning_mutations  # noqa: F401  (puts its faults on the list)
        from chaos.mutations import MUTATIONS

        MUTATIONS[name].apply()
    assert threading.active_count() == 1, "a process with threads must not be forked"


def hasten() -> None:
    """A run has minutes: a silent wallet is tried again soon, and its relay does not count what it is asked."""
    from wallet.lightning.nwc import nwc_connection, relay
    from wallet.rails import lookup_schedule

    relay.BACKOFF_SECONDS = (0.2, 0.5, 1.0)
    nwc_connection.NwcConnection.__init__.__kwdefaults__["answer_seconds"] = ANSWER_SECONDS
    lookup_schedule.LookupSchedule.__init__.__defaults__ = (LOOKUPS_A_MINUTE,)


def main() -> None:
    """Obey until standard input ends."""
    prepare()
    child = 0
    for line in sys.stdin:
        answer: int | str = ""
        if line.strip() == "start":
            answer = child = fork(*map(Path, sys.argv[1:4]))
        else:
            ended, status = os.waitpid(child, os.WNOHANG if line.strip() == "poll" else 0)
            answer = os.waitstatus_to_exitcode(status) if ended else ""
        print(answer, flush=True)
    if child:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
