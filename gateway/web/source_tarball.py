"""``/source.tar.gz``: the program that runs here, for everyone who uses it (AGPL-3.0, section 13).

Made from the installed packages, so it is right for a gateway that somebody changed, too.  Only files of the kinds
that a program consists of: no settings, no data, no caches, and nothing about this machine.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import os
import tarfile
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from threading import Lock

from aiohttp import web

from bitcache import __version__
from gateway.api.byte_ranges import not_modified

PACKAGES = ("bitcache", "wallet", "gateway")
KINDS = {".css", ".html", ".js", ".json", ".mako", ".png", ".py", ".sh", ".svg", ".ts", ".txt"}
#: Beside the packages in a checkout.
BESIDE = ("LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements-dev.lock", "requirements.lock")

_ROOT = Path(__file__).resolve().parents[2]
_ONE_BUILD = Lock()


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [web.get("/source.tar.gz", source)]


async def source(request: web.Request) -> web.Response:
    """Send the archive, made when somebody asks for the first time."""
    data, etag = await asyncio.to_thread(archive)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if not_modified(request, etag):
        return web.Response(status=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{_name()}.tar.gz"'
    return web.Response(body=data, content_type="application/gzip", headers=headers)


def archive() -> tuple[bytes, str]:
    """Return the bytes and their ETag, made once."""
    with _ONE_BUILD:
        return _build()


@cache
def _build() -> tuple[bytes, str]:
    """Return the archive, the same from the same files."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, data, program in sorted(_files()):
            entry = tarfile.TarInfo(f"{_name()}/{name}")
            entry.size, entry.mode = len(data), 0o755 if program else 0o644
            tar.addfile(entry, io.BytesIO(data))
    data = packed.getvalue()
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def _name() -> str:
    return f"bitcache-{__version__}"


def _files() -> Iterator[tuple[str, bytes, bool]]:
    """Name, content, and whether it is a program."""
    for package in PACKAGES:
        for folder, inner, names in os.walk(_ROOT / package):
            inner[:] = [name for name in inner if name != "__pycache__" and not name.startswith(".")]
            for path in (Path(folder, name) for name in names if not name.startswith(".")):
                if path.suffix in KINDS and path.is_file() and not path.is_symlink():
                    yield path.relative_to(_ROOT).as_posix(), path.read_bytes(), path.suffix == ".sh"
    if _is_checkout():
        yield from ((name, (_ROOT / name).read_bytes(), False) for name in BESIDE if (_ROOT / name).is_file())
        return
    about = distribution("bitcache")
    for name in ("METADATA", "licenses/LICENSE"):
        text = about.read_text(name)
        if text:
            yield Path(name).name, text.encode(), False


def _is_checkout() -> bool:
    """Return whether this is our own folder: what lies beside installed packages is somebody else's."""
    try:
        project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == "bitcache")
