"""The folder with the data, which nobody else on the machine may read."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# One of these is in each folder that this program has used.
_OURS = {"secret_key", "db.sqlite3", "valkey", "lock", "beat-schedule"}


def make_private(folder: Path) -> None:
    """Create the folder where it is missing, and take it, with the files in it, away from other accounts.

    A folder that holds only what is not of this program keeps its rights. What this process and those that it starts
    create from now on is private, too.

    Raises:
        ImproperlyConfigured: the folder belongs to the whole machine, such as /tmp.
    """
    os.umask(_OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    if folder == folder.parent or folder.stat().st_mode & stat.S_ISVTX:
        raise ImproperlyConfigured(
            f"DATA_DIR {folder} is everybody's folder; use one of its own, such as {folder / 'var'}"
        )
    entries = list(folder.iterdir())
    if entries and not _OURS & {path.name for path in entries}:
        return  # somebody else's folder, such as a home: its rights are not ours to take
    for path in [folder, *entries]:
        if not path.is_symlink():
            _close(path)


def _close(path: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):  # gone meanwhile; another account's, which a check reports
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)
