"""Writes qr.json: QR symbols by python-qrcode, read by tests/js/qr.test.js.

python tests/vectors/make_qr.py
"""

from __future__ import annotations

import json
from pathlib import Path

import qrcode
from qrcode.util import MODE_8BIT_BYTE, QRData

CAPACITY = [14, 26, 42, 62, 84, 106, 122, 152, 180, 213]  # bytes at level M, versions 1 to 10


def symbol(text: str, mask: int) -> dict[str, object]:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=mask)
    code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE), optimize=0)
    code.make(fit=True)
    rows = ["".join("1" if dark else "0" for dark in row) for row in code.get_matrix()]
    return {"text": text, "version": code.version, "mask": mask, "rows": rows}


def main() -> None:
    full = [symbol(("https://gateway.example/f/#" * 8)[:room], at % 8) for at, room in enumerate(CAPACITY)]
    one_more = [symbol("é" + "x" * (room - 1), (at + 3) % 8) for at, room in enumerate(CAPACITY[:-1])]
    masks = [
        symbol("https://gateway.example/f/AAECAwQFBgcICQoLDA0ODw#EBESExQVFhcYGRobHB0eHw", mask) for mask in range(8)
    ]
    target = Path(__file__).with_name("qr.json")
    target.write_text(json.dumps({"symbols": [symbol("", 0), *full, *one_more, *masks]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
