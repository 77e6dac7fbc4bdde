"""A photograph as a phone writes it: large, lying on its side, and full of what its owner did not mean to publish."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

OWNER = "Ada Lovelace, 12 St James's Square"
_ORIENTATION, _ARTIST, _GPS = 0x0112, 0x013B, 0x8825
_TURN_CLOCKWISE = 6


def take_photo(path: Path, width: int = 2400, height: int = 1600) -> Path:
    """Write a JPEG of ``width`` × ``height`` pixels that is to be shown upright."""
    noise = random.Random(7).randbytes((width // 16) * (height // 16) * 3)
    picture = Image.frombytes("RGB", (width // 16, height // 16), noise).resize((width, height))
    exif = Image.Exif()
    exif[_ORIENTATION], exif[_ARTIST] = _TURN_CLOCKWISE, OWNER
    exif.get_ifd(_GPS).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    picture.save(path, "JPEG", quality=92, exif=exif, comment=OWNER.encode())
    return path
