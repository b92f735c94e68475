"""The web server's parent process: granian on a listening socket that outlives it.

Whoever starts it opens the socket. While this process or one of its children starts anew, connections wait in the
socket's queue, or the other children take them: none is refused. When it is told to stop, those that are open are told
with their next answer that it is the last one, and then none is taken that would not be answered.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
from typing import Any

from granian import net
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from api.lib.processes import end_forked_with_parent

#: Connections that wait to be accepted.
_BACKLOG = 1024
#: How many connections a web process holds; those that idle cost it next to nothing.
_CONNECTIONS = 4096
#: Tells a child to close each connection with its next answer.
CLOSE_CONNECTIONS = signal.SIGUSR1
#: Seconds in which clients that ask again and again get such an answer. Later requests of theirs would have none.
_CLOSING_SECONDS = 0.5


class CannotListen(Exception):
    """Nothing can listen at the address; the message is one line for the operator."""


def listen(host: str, port: int) -> socket.socket:
    """Open a socket that processes started by this one inherit.

    Raises:
        CannotListen: something listens there already, or the host is not ours.
    """
    listening = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise CannotListen(
            f"cannot listen on {host}:{port} ({error.strerror or error}); set PORT to a free one"
        ) from None
    listening.set_inheritable(True)
    return listening


def command(descriptor: int, processes: int) -> list[str]:
    """Return the command line that serves on a listening socket, which the process must inherit."""
    return [sys.executable, "-m", __name__, str(descriptor), str(processes)]


class _Server(MPServer):
    """granian, but for where its socket comes from."""

    def __init__(self, descriptor: int, **options: Any) -> None:
        super().__init__("config.rsgi:application", **options)
        self._descriptor = descriptor

    def _init_shared_socket(self) -> None:
        holder: Any = vars(net)["SocketHolder"]  # the stubs know neither its place nor its arguments
        self._ssp = self._sso = None
        self._shd = holder(self._descriptor, False, _BACKLOG)

    def _stop_workers(self) -> None:
        for worker in self.wrks:
            child: multiprocessing.Process = worker.inner
            if child.is_alive() and child.pid:
                os.kill(child.pid, CLOSE_CONNECTIONS)
        time.sleep(_CLOSING_SECONDS)
        _queue(self._descriptor, 0)
        stop: Any = super()._stop_workers
        stop()


def _queue(descriptor: int, length: int) -> None:
    """Let so many connections wait in a listening socket; others are not accepted, and try again."""
    with socket.socket(fileno=os.dup(descriptor)) as listening:
        listening.listen(length)


def main(descriptor: str, processes: str) -> None:
    """Serve until a signal says to stop."""
    _queue(int(descriptor), _BACKLOG)  # again, if an earlier process has stopped
    end_forked_with_parent()
    multiprocessing.set_start_method("fork")  # what is inherited stays open in the children
    _Server(
        int(descriptor),
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=int(processes),
        backpressure=_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
