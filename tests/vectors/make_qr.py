"""Writes qr.json: QR symbols by python-qrcode, read by tests/js/qr.test.js.

python tests/vectors/make_qr.py
"""

from __future__ import annotations

import json
from pathlib import Path

import qrcode
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData

#: Bytes at level M, versions 1 to 25 (ISO/IEC 18004, table 7).
CAPACITY = [
    14,
    26,
    42,
    62,
    84,
    106,
    122,
    152,
    180,
    213,
    251,
    287,
    331,
    362,
    412,
    450,
    504,
    560,
    624,
    666,
    711,
    779,
    857,
    911,
    997,
]
#: As ours: the alphanumeric mode where it can write every character.
ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
INVOICE = "LIGHTNING:LNBC25U1P" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 30


def symbol(text: str, mask: int) -> dict[str, object]:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=mask)
    mode = MODE_ALPHA_NUM if text and set(text) <= ALPHANUMERIC else MODE_8BIT_BYTE
    code.add_data(QRData(text.encode(), mode=mode), optimize=0)
    code.make(fit=True)
    rows = ["".join("1" if dark else "0" for dark in row) for row in code.get_matrix()]
    return {"text": text, "version": code.version, "mask": mask, "rows": rows}


def main() -> None:
    full = [symbol(("https://gateway.example/f/#" * 40)[:room], at % 8) for at, room in enumerate(CAPACITY)]
    one_more = [symbol("é" + "x" * (room - 1), (at + 3) % 8) for at, room in enumerate(CAPACITY[:-1])]
    masks = [
        symbol("https://gateway.example/f/AAECAwQFBgcICQoLDA0ODw#EBESExQVFhcYGRobHB0eHw", mask) for mask in range(8)
    ]
    invoices = [symbol(INVOICE[:length], length % 8) for length in (1, 2, 45, 300, 301, 520, 700, 931)]
    target = Path(__file__).with_name("qr.json")
    target.write_text(json.dumps({"symbols": [symbol("", 0), *full, *one_more, *masks, *invoices]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
