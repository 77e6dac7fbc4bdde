"""Sales as a spreadsheet reads them: the same bytes as the seller's page makes (tests/vectors/bookkeeping.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.api.sales_models import Sale
from gateway.client.bookkeeping import COLUMNS, csv_of

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "bookkeeping.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_shared_sales_become_the_shared_rows(case: dict[str, Any]) -> None:
    sales = [Sale.model_validate(sale) for sale in case["sales"]]
    assert csv_of(sales, case["titles"]) == "".join(f"{row}\r\n" for row in [",".join(COLUMNS), *case["rows"]])
