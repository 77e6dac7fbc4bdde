"""The free sample of a sale: a text as it is; a picture upright, small, and without what cameras write into files.

JavaScript's half: gateway/web/static/seller/sample-picture.js.
"""

from __future__ import annotations

import io
import mimetypes
from pathlib import Path

from PIL import Image, ImageOps

from bitcache.errors import BadInput
from bitcache.sealing.metadata import MAX_PREVIEW, Preview
from gateway.client.errors import EmptyFile
from gateway.client.plain_file import open_regular

#: Longest side in pixels and quality, tried until the sample is small enough.
_TRIES = ((1280, 85), (1280, 60), (960, 60), (640, 50), (320, 50))
#: More than any camera makes; a picture is held in memory while it is made smaller.
_LARGEST_PICTURE = 64 * 1024 * 1024


def read_sample(path: Path) -> Preview:
    """Return the free sample in a file, by its extension; raise BadInput for a kind or size that cannot be shown."""
    media_type = mimetypes.guess_type(path.name)[0] or ""
    is_picture = media_type.startswith("image/")
    if not is_picture and media_type != "text/plain":
        raise BadInput("a preview is an image or a .txt file")
    most = _LARGEST_PICTURE if is_picture else MAX_PREVIEW
    with open_regular(path) as file:
        content = file.read(most + 1)
    if not content:
        raise EmptyFile("the preview is empty")
    if len(content) > most:
        raise BadInput(f"the preview is over {most // 1024} KiB", hint="Make it smaller.")
    return Preview("image/webp", _sample_picture(content)) if is_picture else Preview(media_type, content)


def _sample_picture(content: bytes) -> bytes:
    """Return the picture as a WebP of at most MAX_PREVIEW bytes; raise BadInput for what is no picture."""
    try:
        with Image.open(io.BytesIO(content)) as opened:
            opened.draft("RGB", (_TRIES[0][0], _TRIES[0][0]))  # a JPEG of 50 million pixels need not be held whole
            picture = _on_white(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        raise BadInput("the preview has too many pixels", hint="Make the picture smaller.") from None
    except (OSError, ValueError, SyntaxError):
        raise BadInput("the preview is not a picture that can be read", hint="Try a PNG, JPEG or WebP.") from None
    for side, quality in _TRIES:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        made = io.BytesIO()
        picture.save(made, "WEBP", quality=quality)
        if made.tell() <= MAX_PREVIEW:
            return made.getvalue()
    raise BadInput("the preview cannot be made small enough", hint="Choose another picture.")


def _on_white(picture: Image.Image) -> Image.Image:
    """Return pixels alone: a fresh picture has no metadata."""
    pixels = picture.convert("RGBA")
    white = Image.new("RGBA", pixels.size, "white")
    white.alpha_composite(pixels)
    return white.convert("RGB")
