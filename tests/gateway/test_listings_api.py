"""The seller's listings over HTTP: page by page, and clear about what a page may be."""

from __future__ import annotations

import pytest
from gateway_harness import GatewayHarness
from sales import file_for_sale

from bitcache.identifiers import new_file_id


async def test_pages_follow_each_other(harness: GatewayHarness) -> None:
    """Three listings, two a page: ``next`` leads from one to the other and ends."""
    sold = [(await harness.sell(file_for_sale())).file_id for _ in range(3)]
    first = (await harness.call("GET", "/listings?limit=2", harness.token)).json
    last = (await harness.call("GET", f"/listings?limit=2&after={first['next']}", harness.token)).json
    assert [len(page["listings"]) for page in (first, last)] == [2, 1]
    assert first["next"] == first["listings"][-1]["file_id"]
    assert last["next"] is None
    assert sorted(row["file_id"] for page in (first, last) for row in page["listings"]) == sorted(sold)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1.5", "", "9" * 40, "٣", "1e2"])
async def test_a_page_has_a_size(harness: GatewayHarness, limit: str) -> None:
    """From 1 to 200, as the answer says."""
    got = await harness.call("GET", f"/listings?limit={limit}", harness.token)
    assert (got.status, got.json["code"], got.json["member"]) == (400, "bad_input", "limit")
    assert "1 to 200" in got.json["detail"]


async def test_a_page_begins_at_a_listing_of_ours(harness: GatewayHarness) -> None:
    """An unknown one is not found, one that is no id is no id."""
    assert (await harness.call("GET", f"/listings?after={new_file_id()}", harness.token)).status == 404
    assert (await harness.call("GET", "/listings?after=../x", harness.token)).json["code"] == "invalid_identifier"
