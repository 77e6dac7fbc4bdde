"""Errors of listings that change: part of the tree in bitcache/errors.py."""

from __future__ import annotations

from bitcache.errors import BadInput, BitcacheError, Denied, NotFound


class PriceChanged(BitcacheError):
    """The seller has changed the price since it was shown."""

    code = "price_changed"
    hint = "You have not been charged. Look at the new price, and ask again."


class InvalidLimit(BadInput):
    """This limit of a listing cannot be set."""

    code = "invalid_limit"
    hint = "Give an end in the future and a number from 1 to 1000000, or leave them out."


class ListingWithdrawn(BitcacheError):
    """This file was withdrawn from sale, which cannot be undone."""

    code = "listing_withdrawn"
    hint = "Publish it again, under a new link."


class FileDeleted(NotFound):
    """The seller deleted this file, and the time is over for which buyers could still download it."""

    code = "file_deleted"
    hint = "Ask the seller for it, with your proof of payment."


class TakenDown(BitcacheError):
    """The operator of this gateway has taken the file down; the hint is the operator's reason."""

    code = "taken_down"
    hint = "Ask the operator of this gateway."


class TooManyReports(Denied):
    """So many reports came that no more are taken for now."""

    code = "too_many_reports"
    hint = "The operator has been told already. Try again in an hour, if you have something to add."
