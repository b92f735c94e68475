import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from api.lib import metrics, valkey
from api.lib.processes import kill_when_parent_ends
from api.management.commands.start import celery_command, environment_of
from api.operations import supervisor, web_server


class Command(BaseCommand):
    help = "Start everything on this machine: Valkey, web, worker and beat; with STREAM, the stream too."

    requires_system_checks = []  # `bootstrap` runs them; here they would only cost memory for as long as we live

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            lock = supervisor.lock(settings.DATA_DIR)
            # Open for as long as we live, so that nobody is refused while web processes start anew.
            with web_server.listen(settings.HOST, settings.PORT) as listening:
                self._run(supervisor.Supervisor(self._say), listening)
            lock.close()
        except (supervisor.CannotStart, web_server.CannotListen) as error:
            raise CommandError(str(error)) from None

    def _run(self, stack: supervisor.Supervisor, listening: socket.socket) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        os.chdir(settings.BASE_DIR)  # where the parts' modules are found
        stack.obey_signals()
        try:
            if not os.environ.get("REDIS_URL"):
                self._start_valkey(stack, environment)
            self._fork(stack, "migrate", verbosity=0)
            self._start_web(stack, environment, listening.fileno())  # while it imports, the base model is stored
            self._fork(stack, "prepare_start")
            if settings.BASE_MODEL:  # the first answer before all else
                stack.watch(seconds=10, until=self._is_ready)
            for part in ("worker", "beat"):
                stack.add(part, celery_command(part), environment_of(environment))
            if settings.STREAM:
                from api.stream import process  # which nobody needs without the stream

                stack.add("stream", process.command(), environment_of(environment))
            self._bootstrap(stack, environment)
            stack.watch(seconds=60, until=self._is_ready)
            self._fork(stack, "print_welcome")
            stack.watch()
        finally:
            self._say("stopping")
            listening.close()
            stack.stop()
            settings.VALKEY_URL_FILE.unlink(missing_ok=True)

    def _start_valkey(self, stack: supervisor.Supervisor, environment: dict[str, str]) -> None:
        executable = valkey.find_server()
        if executable is None:
            raise supervisor.CannotStart(
                "there is no Valkey for this platform: install valkey-server or redis-server, or set REDIS_URL"
            )
        port, password = valkey.free_port(), valkey.new_password()
        environment["REDIS_URL"] = f"redis://:{password}@127.0.0.1:{port}/0"
        try:
            command = valkey.command(settings.DATA_DIR, executable, port, password)
            settings.VALKEY_URL_FILE.touch(mode=0o600)
            settings.VALKEY_URL_FILE.write_text(environment["REDIS_URL"])
        except OSError as error:  # such as a full disk: predictions need no Valkey
            self._say(f"valkey is not started: {error}")
            return
        stack.add("valkey", command, environment, heal=lambda: valkey.set_aside(settings.DATA_DIR))

    def _start_web(self, stack: supervisor.Supervisor, environment: dict[str, str], descriptor: int) -> None:
        command = web_server.command(descriptor, settings.WEB_PROCESSES)
        stack.add("web", command, environment_of(environment) | metrics.environment(), inherits=(descriptor,))

    def _fork(self, stack: supervisor.Supervisor, command: str, **options: Any) -> None:
        """Run a command in a fork: it need not import again what is imported here, and takes its memory with it."""
        if stack.stopping:
            return
        process = multiprocessing.get_context("fork").Process(target=_call, args=(command,), kwargs=options)
        process.start()
        stack.watch(until=lambda: not process.is_alive())
        if process.is_alive():
            process.terminate()
        process.join()
        if process.exitcode != 0 and not stack.stopping:
            raise supervisor.CannotStart(_failed(command))

    def _bootstrap(self, stack: supervisor.Supervisor, environment: dict[str, str]) -> None:
        """Make what is missing. Where it fails, a model that serves goes on: such as on a full or damaged disk.

        It runs in a process that knows the broker, which was not there when this one read the settings.
        """
        if stack.stopping:
            return
        process = subprocess.Popen(
            supervisor.manage("bootstrap"),
            env=environment,
            start_new_session=True,
            preexec_fn=kill_when_parent_ends,
        )
        stack.watch(until=lambda: process.poll() is not None)
        if process.poll() is None:
            process.terminate()
        if process.wait() == 0 or stack.stopping:
            return
        if not self._is_ready():
            raise supervisor.CannotStart(_failed("bootstrap"))
        self._say(f"{_failed('bootstrap')}. Predictions go on; GET /health says what is not well")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{settings.LOCAL_URL}/readyz", timeout=1) as answer:  # noqa: S310 (our own address)
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _say(self, line: str) -> None:
        self.stdout.write(f"[up] {line}")
        self.stdout.flush()


def _failed(command: str) -> str:
    return f"`manage.py {command}` failed; what it said is above"


def _call(command: str, **options: Any) -> None:
    """Run a command in a fork that ends as a process of its own would: on signals, with us, after one line of error."""
    kill_when_parent_ends()
    for number in supervisor.SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    try:
        call_command(command, **options)
    except CommandError as error:
        sys.exit(f"CommandError: {error}")
