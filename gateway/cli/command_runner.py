"""Running a command: its result or its error printed, its exit code set (docs/protocol.md §9)."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import traceback
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer

from bitcache import errors, listing_errors
from bitcache.chain_errors import ChainError, WalletError
from gateway.cli.console import console, plain
from gateway.client.errors import (
    DishonestGateway,
    GatewayConfused,
    GatewayUnreachable,
    NoLightning,
    NotPaidInTime,
    OverBudget,
    PaidInPart,
    PaymentUnknown,
)

UNEXPECTED, BAD_INPUT, NOT_ALLOWED, NOT_PAID, DOES_NOT_OPEN, UNREACHABLE, STORAGE = 1, 3, 4, 5, 6, 7, 8
INTERRUPTED = 130

#: The first class that fits decides.
_CODES: tuple[tuple[type[errors.BitcacheError], int], ...] = (
    (NotPaidInTime, NOT_PAID),
    (PaidInPart, NOT_PAID),
    (OverBudget, NOT_PAID),
    (NoLightning, NOT_PAID),
    (PaymentUnknown, NOT_PAID),
    (errors.BadInput, BAD_INPUT),
    (errors.UploadTooLarge, BAD_INPUT),
    (errors.NotFound, NOT_ALLOWED),
    (errors.Denied, NOT_ALLOWED),
    (errors.UnknownRail, NOT_ALLOWED),
    (errors.InvoiceClosed, NOT_ALLOWED),
    (errors.RailUnavailable, UNREACHABLE),
    (errors.PaymentRequired, NOT_ALLOWED),
    (errors.SalesPaused, NOT_ALLOWED),
    (listing_errors.PriceChanged, NOT_ALLOWED),
    (listing_errors.ListingWithdrawn, NOT_ALLOWED),
    (listing_errors.TakenDown, NOT_ALLOWED),
    (errors.PriceTooHigh, NOT_ALLOWED),
    (errors.SealingError, DOES_NOT_OPEN),
    (DishonestGateway, DOES_NOT_OPEN),
    (GatewayUnreachable, UNREACHABLE),
    (GatewayConfused, UNREACHABLE),
    (ChainError, UNREACHABLE),
    (WalletError, UNREACHABLE),
    (errors.UploadError, STORAGE),
    (errors.StorageError, STORAGE),
)


def run(work: Coroutine[Any, Any, dict[str, Any]], as_json: bool) -> None:
    """Run a command to its end; ``work`` returns what ``--json`` prints, and has told people itself."""
    result = guarded(work, as_json)
    if as_json:
        typer.echo(json.dumps(result))  # ASCII alone: some of it is untrusted text


def guarded(work: Coroutine[Any, Any, dict[str, Any]], as_json: bool) -> dict[str, Any]:
    """Return the result of ``work``; every way to fail ends the process with its exit code."""
    try:
        return asyncio.run(_until_terminated(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped.")
        raise typer.Exit(INTERRUPTED) from None
    except errors.BitcacheError as error:
        _fail(error, as_json)
    except OSError as error:
        _fail(from_system(error), as_json)
    except Exception:
        console.print(plain(traceback.format_exc()), style="dim")
        console.print("This is a bug in Bitcache: please report it with the lines above.", style="bold")
        raise typer.Exit(UNEXPECTED) from None


def exit_code(error: errors.BitcacheError) -> int:
    """Return the exit code that an error's class stands for."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), UNEXPECTED)


async def _until_terminated(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Ctrl-C and SIGTERM end a command alike, also in the background of a script: what it started is stopped first."""
    task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    return await task


def tell(error: errors.BitcacheError, as_json: bool, **about: str) -> None:
    """Print an error for people and, as one line of JSON together with what it is ``about``, for programs."""
    console.print("Error:", style="bold red", end=" ")
    console.print(plain(error))
    if error.advice:
        console.print(plain(error.advice), style="dim")
    if as_json:
        described = {"code": error.code, "message": str(error), "hint": error.advice}
        typer.echo(json.dumps({**about, "error": described}))


def _fail(error: errors.BitcacheError, as_json: bool) -> NoReturn:
    tell(error, as_json)
    raise typer.Exit(exit_code(error)) from None


def from_system(error: OSError) -> errors.StorageError:
    """Return the system's error in our words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return errors.DiskFull()
    return errors.StorageError(f"{error.strerror or error}: {error.filename or 'a file'}")
