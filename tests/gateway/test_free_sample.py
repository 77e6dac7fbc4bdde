"""What becomes of a seller's sample on their own machine: nothing of it tells who took it where."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from support.photo import OWNER, take_photo

from bitcache.errors import BadInput
from bitcache.sealing.metadata import MAX_PREVIEW
from gateway.client.errors import EmptyFile
from gateway.client.free_sample import read_sample


def test_a_photograph_is_made_small_and_upright_and_tells_nothing(tmp_path: Path) -> None:
    photo = take_photo(tmp_path / "photo.jpg")
    assert OWNER.encode() in photo.read_bytes()
    assert photo.stat().st_size > MAX_PREVIEW
    sample = read_sample(photo)
    assert sample.media_type == "image/webp"
    assert len(sample.content) <= MAX_PREVIEW
    for told in (OWNER.encode(), b"Exif", b"EXIF", b"GPS"):
        assert told not in sample.content
    with Image.open(io.BytesIO(sample.content)) as shown:
        assert (shown.height, dict(shown.getexif())) == (1280, {})
        assert shown.width < shown.height


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK"])
def test_every_kind_of_picture_is_taken(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    Image.new(mode, (40, 30)).save(path)
    with Image.open(io.BytesIO(read_sample(path).content)) as shown:
        assert shown.size == (40, 30)


def test_what_shows_through_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    with Image.open(io.BytesIO(read_sample(tmp_path / "clear.png").content)) as shown:
        assert shown.convert("RGB").getpixel((4, 4)) == (255, 255, 255)


def test_a_text_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "verse.txt").write_text("la la")
    sample = read_sample(tmp_path / "verse.txt")
    assert (sample.media_type, sample.content) == ("text/plain", b"la la")


def test_what_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    for name, content, error in (
        ("a.png", b"no picture", "not a picture"),
        ("a.svg", b"<svg/>", "not a picture"),
        ("a.pdf", b"%PDF", "an image or a .txt"),
        ("a.txt", b"x" * (MAX_PREVIEW + 1), "over 256 KiB"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=error):
            read_sample(tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(EmptyFile):
        read_sample(tmp_path / "b.png")
    Image.new("1", (16_000, 16_000)).save(tmp_path / "bomb.png")
    with pytest.raises(BadInput, match="too many pixels"):
        read_sample(tmp_path / "bomb.png")
