"""The command line: ``make chaos ARGS="--minutes 30 --seed 7"``."""

from __future__ import annotations

import argparse
import secrets
import shutil
import signal
import sys
import time

from chaos import lightning_mutations  # noqa: F401  (puts its faults on the list)
from chaos.mutations import MUTATIONS
from chaos.run import Report, chaos


def main() -> int:
    """0: every promise kept (or every mutation caught); 1: not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends the run, it cleans up
    asked = _arguments()
    seed = asked.seed if asked.seed is not None else secrets.randbelow(10**6)
    if asked.mutations:
        return _all_mutations(asked.minutes or 5.0, seed)
    mutation = f" --mutation {asked.mutation}" if asked.mutation else ""
    print(f"chaos: --minutes {asked.minutes or 1.5} --seed {seed}{mutation}", flush=True)
    report = chaos(asked.minutes or 1.5, seed, asked.mutation)
    show(report)
    return 0 if (report.finding is None) == (asked.mutation is None) else 1


def show(report: Report) -> None:
    """Counts, and what was found."""
    for name in sorted(report.counts):
        print(f"  {report.counts[name]:6}  {name}")
    minutes = report.seconds / 60
    print(f"disk full by: {report.disk}")
    print(f"{report.events} events in {minutes:.1f} minutes; per minute: ", end="")
    print(", ".join(f"{report.counts[name] / minutes:.1f} {name}" for name in ("SIGKILL", "reorg", "invoices")))
    if report.checkpoints:
        mean = sum(report.checkpoints) / len(report.checkpoints)
        print(f"{len(report.checkpoints)} checkpoints, {mean:.1f} s each, the longest {max(report.checkpoints):.1f} s")
    if report.finding is None:
        print(f"every payment equal, every state as the reference says, every release right; seed {report.seed}")
        return
    print(f"FOUND with seed {report.seed} after {report.seconds:.0f} s (everything is in {report.folder}):")
    print(report.finding)
    _show_bugs(report)


def _show_bugs(report: Report) -> None:
    """A mutation that is caught by its own exceptions proves less than one that is not."""
    if report.bugs:
        print(f"    the gateway logged {len(report.bugs)} errors, the first: {report.bugs[0][:600]}")


def _all_mutations(minutes: float, seed: int) -> int:
    missed = []
    for name, mutation in MUTATIONS.items():
        began = time.monotonic()
        report = chaos(minutes, seed, name)
        caught = f"caught after {time.monotonic() - began:.0f} s" if report.finding else "NOT CAUGHT"
        first = (report.finding or "").splitlines()[:1]
        print(f"{name}: {caught}\n    {mutation.what}\n    {' '.join(first)[:160]}", flush=True)
        _show_bugs(report)
        if report.finding is None:
            missed.append(name)
        shutil.rmtree(report.folder, ignore_errors=True)
    print(
        f"{len(MUTATIONS) - len(missed)} of {len(MUTATIONS)} mutations caught"
        + (f"; missed: {missed}" if missed else "")
    )
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="Random payments and faults against a real gateway.")
    parser.add_argument("--minutes", type=float, help="how long (default 1.5; with --mutations at most 5 for each)")
    parser.add_argument("--seed", type=int, help="the choices to make again; printed by every run")
    parser.add_argument("--mutation", choices=sorted(MUTATIONS), help="put this fault in, and expect it to be caught")
    parser.add_argument("--mutations", action="store_true", help="every fault, one run each, all to be caught")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
