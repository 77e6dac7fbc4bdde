"""Which files of a folder are packed, in which order, and what is left out."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bitcache.errors import BadInput
from bitcache.safe_names import printable
from gateway.client.errors import EmptyFile
from gateway.client.plain_file import open_regular, state_of


@dataclass(frozen=True, slots=True)
class Member:
    """A file: its name in the archive, where it lies, and how large and how old it was."""

    name: str
    path: Path
    state: tuple[int, int]

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.state[0]


@dataclass(slots=True)
class FolderMembers:
    """The files of a folder by name, and how many things of each other kind it holds."""

    files: list[Member] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return a sentence for whoever sells them."""
        left_out = ", ".join(f"{count} {kind}" for kind, count in sorted(self.skipped.items()))
        count = len(self.files)
        return f"{count} file{'' if count == 1 else 's'} packed" + (f"; left out: {left_out}" if left_out else "")


def members_of(folder: Path) -> FolderMembers:
    """Return the files below ``folder``, in the order of their names; links are not followed.

    Raise EmptyFile where there is none, BadInput for a name that no archive holds, OSError for what cannot be read.
    """
    found = FolderMembers()
    _look(folder, "", found)
    if not found.files:
        raise EmptyFile("there are no files in this folder")
    found.files.sort(key=lambda member: member.name.encode())
    return found


def _look(folder: Path, prefix: str, found: FolderMembers) -> None:
    """Add what lies in ``folder``, whose names begin with ``prefix``."""
    with os.scandir(folder) as entries:
        inside = list(entries)
    if prefix and not inside:
        found.skipped["empty folder(s)"] += 1
    for entry in inside:
        if entry.is_symlink():
            found.skipped["link(s)"] += 1
        elif entry.is_dir():
            _look(Path(entry.path), f"{prefix}{entry.name}/", found)
        elif entry.is_file():
            found.files.append(_member(Path(entry.path), prefix + entry.name))
        else:
            found.skipped["pipe(s) and device(s)"] += 1


def _member(path: Path, name: str) -> Member:
    """Return one file, which can be opened: better to know that before anything is sent."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"the name of {printable(name)} is not UTF-8, which a ZIP file cannot hold", hint="Rename the file."
        ) from None
    with open_regular(path) as file:
        return Member(name, path, state_of(file))
