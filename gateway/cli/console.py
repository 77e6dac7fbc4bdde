"""What a terminal shows: amounts, sizes, QR codes, progress.  All of it goes to stderr."""

from __future__ import annotations

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from bitcache.safe_names import printable

console = Console(stderr=True, highlight=False)


def plain(text: object) -> Text:
    """Return text that is not ours: no markup in it means anything, no hidden character reaches the terminal."""
    return Text("\n".join(printable(line) for line in str(text).splitlines()))


def sats(amount: int) -> str:
    """``2 500 sat``."""
    return f"{amount:,} sat".replace(",", "\u202f")


def size(count: int) -> str:
    """``3.1 MB``."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def stamp(text: str, style: str = "") -> None:
    """Print one step that happened, with the time."""
    now = time.strftime("%H:%M:%S")
    console.print(Text.assemble((f"  {now}  ", "dim"), (printable(text), style)), soft_wrap=True)


def qr(text: str) -> Text:
    """Return a QR code of half blocks, dark on white whatever the terminal's colours are."""
    import qrcode  # half of what loading this module would cost

    code = qrcode.QRCode(border=4, error_correction=qrcode.constants.ERROR_CORRECT_L)
    code.add_data(text)
    rows = code.get_matrix()
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    blocks = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    lines = (
        "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
    return Text("\n".join(lines), style="black on white", no_wrap=True)


class Bars:
    """Progress bars that come when a step begins; nothing on a stderr that is no terminal."""

    def __init__(self) -> None:
        columns = (TextColumn("  {task.description:<9}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, what: str, done: int, total: int) -> None:
        """Show that the step ``what`` stands at ``done`` of ``total`` bytes."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)
