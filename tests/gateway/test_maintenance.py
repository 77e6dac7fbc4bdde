"""What is looked after once an hour."""

from __future__ import annotations

import pytest
from gateway_harness import GatewayHarness
from sales import file_for_sale
from structlog.testing import capture_logs

from gateway.compose import maintenance


async def test_a_long_run_of_unpaid_addresses_is_said_once(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it gets long, and again when it is twice as long; never in between."""
    monkeypatch.setattr(maintenance, "LONG_RUN", 3)
    sold, told, said = await harness.sell(file_for_sale()), {}, []
    for _ in range(7):
        await harness.begin(sold.file_id)
        with capture_logs() as lines:
            await maintenance.tell_long_runs(harness.context, told)
        said += [line["run"] for line in lines if line["event"] == "unpaid_addresses"]
    assert said == [3, 6]
