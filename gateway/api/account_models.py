"""What the account's calls take and give; see models.py for the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bitcache.access_tokens import LONGEST_NAME
from bitcache.payout_changes import LONGEST_DELAY
from gateway.api.models import B64u32, ProofOfWork, Request, Response, UnixTime

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class SignUp(Request):
    """A new seller: ``token`` was derived from the account code, which stays on the seller's device."""

    token: B64u32 = Field(repr=False)
    name: Name
    browser: Name = Field("a browser", description="what the first session is called")
    invite: B64u32 | None = Field(None, repr=False)
    proof_of_work: ProofOfWork | None = None


class BeginSession(Request):
    """``name``: the browser, as its seller will recognise it."""

    name: Name


class MakeToken(Request):
    """A token for a program."""

    name: Name
    scope: Literal["read", "sell"]


class ChangeAccount(Request):
    """``proof``: the seller's token, again."""

    payout_delay: int = Field(ge=0, le=LONGEST_DELAY, description="seconds")
    proof: B64u32 = Field(repr=False)


class Secret(Response):
    """A session's or a program's token, shown this once."""

    token: B64u32


class AccessToken(Response):
    """A session or a program's token."""

    id: int
    kind: Literal["session", "token"]
    name: str
    scope: Literal["read", "sell", "account"]
    created_at: UnixTime
    last_used_at: UnixTime
    current: bool = Field(description="the one that asks")


class AccountEvent(Response):
    """Something that happened to the account."""

    kind: str
    about: str
    at: UnixTime


class Account(Response):
    """What a seller sees of the own account."""

    name: str
    created_at: UnixTime
    payout_delay: int
    tokens: list[AccessToken]
    events: list[AccountEvent]


class IndexVersion(Response):
    """The version that the sealed index has now."""

    version: int
