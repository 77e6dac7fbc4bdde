"""What comes on standard input, kept until it is sealed: its size must be known before its first sealed byte."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import sys
import tempfile
import threading
from typing import BinaryIO

from bitcache.errors import BadInput, DiskFull
from gateway.client.plain_file import PlainFile

_PIECE = 1 << 20
_LOOK = 0.2  #: seconds after which a reader looks whether it is still wanted


async def read_standard_input() -> PlainFile:
    """Return all of it, in a temporary file without a name that is gone when closed; raise BadInput, DiskFull."""
    if sys.stdin is None:
        raise BadInput("standard input is closed", hint="Send something to it, or name a file.")
    kept, unwanted = tempfile.TemporaryFile(), threading.Event()  # noqa: SIM115 (the caller closes it)
    try:
        await asyncio.to_thread(_copy, sys.stdin.fileno(), kept, unwanted)
    except asyncio.CancelledError:
        unwanted.set()  # the thread still writes: it ends by itself, and the file goes with it
        raise
    except OSError as error:
        kept.close()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("the disk for temporary files is full", hint="Set TMPDIR to a folder with room.") from None
        raise
    return PlainFile(kept)


def _copy(source: int, target: BinaryIO, unwanted: threading.Event) -> None:
    """Copy to the end, or until it is ``unwanted``: a thread that waits for a silent pipe could not be ended."""
    while not unwanted.is_set():
        if not select.select([source], [], [], _LOOK)[0]:
            continue
        if not (piece := os.read(source, _PIECE)):
            target.flush()
            return
        target.write(piece)
