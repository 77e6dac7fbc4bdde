"""Errors of accounts: part of the tree in bitcache/errors.py."""

from __future__ import annotations

from bitcache.errors import BadInput, Denied


class SignUpClosed(Denied):
    """New sellers cannot sign up here."""

    code = "sign_up_closed"
    hint = "Ask the operator of this gateway for an invitation."


class SignUpsFull(Denied):
    """This gateway has as many sellers as its operator allows."""

    code = "sign_ups_full"
    hint = "Ask the operator of this gateway to raise accounts.most_sellers."


class InviteRefused(Denied):
    """This invitation was used already, has expired, or is none."""

    code = "invite_refused"
    hint = "Ask the operator of this gateway for a new one."


class AccountExists(BadInput):
    """There is an account with this code already."""

    code = "account_exists"
    hint = "Sign in with it."


class ScopeMissing(Denied):
    """This token is not allowed to do that."""

    code = "scope_missing"
    hint = "Use a token with that permission, or sign in with the account code."


class ProofNeeded(Denied):
    """Changing where one is paid needs the account code again: whoever took over a session must not move the money."""

    code = "proof_needed"
    hint = "Send the seller's token, derived from the account code, as member 'proof'."


class TooManyTokens(Denied):
    """This account has as many tokens as it may have."""

    code = "too_many_tokens"
    hint = "Revoke one that is not used any more."


class IndexChanged(BadInput):
    """The account's index was changed elsewhere meanwhile."""

    code = "index_changed"
    hint = "Read it again, put your change into it, and send that."


class QuotaExceeded(Denied):
    """This seller has as much here as one seller may have."""

    code = "quota_exceeded"
    hint = "Ask the operator of this gateway to raise accounts.bytes_per_seller or accounts.listings_per_seller."
