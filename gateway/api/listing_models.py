"""What the calls take that change a listing, or report one; see models.py for the rest."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bitcache.reports import LONGEST_CONTACT, LONGEST_TEXT
from gateway.api.models import B64u16, B64u32, LimitSales, LimitTime, Request


class ListingChange(Request):
    """Another price or other metadata for a file on sale; everything else of its manifest stays."""

    manifest: str = Field(max_length=4096, description="exact JSON text that was signed")
    signature: str = Field(max_length=100, description="Ed25519, 64 bytes, b64u")
    meta: str = Field(max_length=32_768, description="sealed metadata, b64u")


class Proof(Request):
    """What shows that the holder of the account code is there, where a session asks."""

    proof: B64u32 | None = Field(None, repr=False, description="the seller's token")


class PatchListing(Request):
    """Sell a file, stop for a while or for good, limit how long and how often; what is left out stays."""

    state: Literal["on_sale", "paused", "withdrawn"] | None = None
    sell_until: LimitTime | None = Field(None, description="Unix seconds; null removes it")
    most_sales: LimitSales | None = Field(None, description="null removes it")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("there is nothing to change")
        if "state" in self.model_fields_set and self.state is None:
            raise ValueError("a state cannot be removed")
        return self

    def limits(self) -> dict[str, int | None]:
        """Return the limits that are set or removed."""
        return self.model_dump(include={"sell_until", "most_sales"}, exclude_unset=True)


class NewReport(Request):
    """What a visitor tells the operator about a file; ``link_share`` only to disclose the link."""

    kind: Literal["illegal", "malware", "fraud", "copyright", "other"]
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    contact: str = Field("", max_length=LONGEST_CONTACT)
    link_share: B64u16 | None = Field(None, repr=False)
