"""The invoice as a QR code: SVG, dark on white, with the quiet zone that scanners need.

Every symbol is painted under the same mask.  ISO 18004 asks for the one of eight that looks best, which takes nine
paintings instead of one; a reader undoes whichever the symbol names, and the payload of an invoice has no large even
areas that one of them would have to break up.  A thread of its own paints, and what was painted lately is kept.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import groupby

import qrcode
from qrcode.constants import ERROR_CORRECT_M

QUIET = 4  #: modules of white around, as ISO 18004 asks
KEPT = 1024
MASK = 0  #: a chessboard

_PAINTER = ThreadPoolExecutor(1, thread_name_prefix="qr")


async def picture(text: str) -> str:
    """:func:`svg`, while others are served."""
    return await asyncio.get_running_loop().run_in_executor(_PAINTER, svg, text)


@lru_cache(KEPT)
def svg(text: str) -> str:
    """Return one path of horizontal runs over a white square."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET, mask_pattern=MASK)
    code.add_data(text)
    rows = code.get_matrix()
    path = "".join(_runs(row, y) for y, row in enumerate(rows))
    size = len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{path}"/></svg>'
    )


def _runs(row: list[bool], y: int) -> str:
    """``M x y h n v1 h-n z`` for each run of dark modules."""
    parts, x = [], 0
    for dark, run in groupby(row):
        length = len(list(run))
        if dark:
            parts.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length
    return "".join(parts)
