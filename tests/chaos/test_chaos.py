"""Not one payment is lost: a bounded chaos run, and proof that such a run can fail."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from chaos.run import Report, chaos

pytestmark = [pytest.mark.node, pytest.mark.slow]


def told(report: Report) -> str:
    """What a failure shows: enough to do it again."""
    return f"make chaos ARGS='--seed {report.seed}' after {report.seconds:.0f} s: {report.finding}; {report.folder}"


@pytest.mark.timeout(400)
def test_every_payment_survives_a_minute_and_a_half_of_chaos(bitcoind: Path) -> None:
    """Kills, reorganisations, replaced payments, a full disk: the ledger equals the chain, releases are right."""
    report = chaos(1.5, secrets.randbelow(10**6))
    assert report.finding is None, told(report)
    assert report.counts["SIGKILL"] >= 5
    assert report.counts["reorg"] >= 5
    assert report.counts["released"] >= 5
    assert report.counts["Lightning payments"] >= 5


@pytest.mark.timeout(300)
def test_it_can_fail(bitcoind: Path) -> None:
    """A gateway that releases what is merely seen is caught; ``--mutations`` tries every fault on the list."""
    report = chaos(1.0, 1, mutation="settled-when-seen")
    assert report.finding is not None
    # Which of the three checks sees it first depends on when the gateway is killed.
    caught_by = ("never fully confirmed", "at which it was not paid for", "fit into the loss budget")
    assert any(check in report.finding for check in caught_by)
