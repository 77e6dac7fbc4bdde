"""The loop: one random event after another, a checkpoint now and then, and one at the end."""

from __future__ import annotations

import itertools
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from chaos import blocks, checkpoint, faults, lightning_events, loss_budget, payments, wallet
from chaos.environment import Environment, Violation
from chaos.rpc import Refused

Event = Callable[[Environment, Random], str | None]

#: How often each happens, relative to the others.
WEIGHTS: dict[Event, float] = {
    payments.new_invoice: 8,
    payments.new_invoices_at_once: 2,
    payments.pay_exactly: 10,
    payments.pay_partly: 5,
    payments.pay_over: 3,
    payments.pay_the_rest: 3,
    payments.pay_in_pieces: 3,
    payments.pay_several_at_once: 5,
    payments.pay_late: 4,
    payments.replace: 5,
    payments.double_spend: 4,
    payments.coinbase_to_invoice: 3,
    payments.send_again: 2,
    wallet.pay: 8,
    wallet.confirm: 4,
    wallet.take_back: 2,
    wallet.go_down: 1,
    wallet.come_back: 4,
    lightning_events.pay: 14,
    lightning_events.pay_after_a_part: 3,
    lightning_events.pay_in_silence: 3,
    lightning_events.show_receipt: 2,
    lightning_events.mislead: 3,
    lightning_events.report_as_failed: 2,
    lightning_events.kill_the_relay: 1.5,
    lightning_events.kill_the_wallet: 1.5,
    lightning_events.come_back: 10,
    lightning_events.outlive_invoices: 0.5,
    blocks.mine: 12,
    blocks.mine_some: 6,
    blocks.mine_many: 0.3,
    blocks.reorganise: 5,
    blocks.reorganise_back: 2,
    faults.kill: 5,
    faults.kill_in_a_block: 4,
    faults.kill_in_a_reorg: 3,
    faults.kill_in_a_purchase: 2,
    faults.stop_the_gateway: 0.5,
    faults.stop_the_node: 0.7,
    faults.kill_the_node: 0.7,
    faults.cut_zmq: 3,
    faults.fill_the_disk: 2,
    faults.jump_the_clock: 2,
    faults.jump_the_nodes_clock: 0.5,
    checkpoint.peek: 5,
}
COINS_PER_MINUTE = 500
#: After so many of the checkpoints.
LOSS_BUDGET_TRIED = 0.3


@dataclass
class Report:
    """What a run did.  ``finding`` is None when every promise was kept."""

    seed: int
    seconds: float = 0.0
    events: int = 0
    checkpoints: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    finding: str | None = None
    bugs: list[str] = field(default_factory=list)
    folder: str = ""
    disk: str = ""


def chaos(minutes: float, seed: int, mutation: str | None = None) -> Report:
    """Run for so long, or until a promise is broken."""
    report = Report(seed)
    environment = Environment(int(minutes * COINS_PER_MINUTE) + 1_000, mutation)
    report.counts, report.folder, report.disk = environment.counts, str(environment.folder), environment.disk.kind
    began = time.monotonic()
    try:
        _run(environment, seed, began + 60 * minutes, report)
    except Exception as finding:  # a harness that stumbles has found something, too
        report.finding = f"{type(finding).__name__}: {finding}"
        environment.note(traceback.format_exc())
        report.bugs = environment.gateway.bugs()
        environment.gateway.kill()
        environment.keep_database()
    finally:
        report.seconds = time.monotonic() - began
        _count_results(environment)
        environment.close()
    if report.finding is None:
        environment.forget()
    return report


def _run(environment: Environment, seed: int, end: float, report: Report) -> None:
    next_check = time.monotonic() + 6
    for number in itertools.count():
        rng = Random(f"{seed}/{number}")  # of its own: what one event meets does not change the next one's choices
        report.events = number
        if time.monotonic() >= min(end, next_check):
            final = time.monotonic() >= end
            if final:
                environment.reference.forget()
            report.checkpoints.append(checkpoint.check(environment, rng, final=final))
            environment.note(f"checkpoint, {report.checkpoints[-1]:.1f} s, {len(environment.invoices)} invoices")
            next_check = time.monotonic() + rng.uniform(8, 20)
            if final:
                break
            if rng.random() < LOSS_BUDGET_TRIED:
                environment.note(loss_budget.use_up(environment, rng))
        _one(environment, rng, number)
    _look_for_bugs(environment)


def _look_for_bugs(environment: Environment) -> None:
    if bugs := environment.gateway.bugs():
        raise Violation(f"the gateway logged {len(bugs)} errors, the first: {bugs[0][:1000]}")


def _one(environment: Environment, rng: Random, number: int) -> None:
    (event,) = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
    name = event.__name__.replace("_", " ")
    if event.__module__ == wallet.__name__:
        name = f"wallet: {name}"
    if event.__module__ == lightning_events.__name__:
        name = f"Lightning: {name}"
    try:
        said = event(environment, rng)
    except Refused as refusal:
        said = f"did not fit: {refusal}"
    else:
        if said:
            environment.counts[name] += 1
    if said:
        environment.note(f"{number} {name}: {said}")
    environment.look()
    environment.mind_the_gateway()
    time.sleep(rng.random() * 0.08)


def _count_results(environment: Environment) -> None:
    environment.counts["invoices"] = len(environment.invoices)
    environment.counts["released"] = len(environment.granted)
    environment.counts["transactions"] = len(environment.sent)
