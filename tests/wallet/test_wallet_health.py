"""A wallet that failed rests, the longer the more often; and not because the clock was set back."""

from __future__ import annotations

from wallet.rails.wallet_health import REST_SECONDS, WalletHealth

NOW = 1_800_000_000


def test_it_rests_longer_each_time_and_not_after_an_answer() -> None:
    health = WalletHealth()
    for seconds in (*REST_SECONDS, REST_SECONDS[-1]):
        health.failed("lightning:1", NOW)
        assert health.rests("lightning:1", NOW + seconds - 1)
        assert not health.rests("lightning:1", NOW + seconds)
    health.answered("lightning:1", NOW)
    assert not health.rests("lightning:1", NOW)


def test_a_clock_that_was_set_back_ends_the_rest() -> None:
    health = WalletHealth()
    health.failed("lightning:1", NOW)
    assert not health.rests("lightning:1", NOW - 3600)
