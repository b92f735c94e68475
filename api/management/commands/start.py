import os
import resource
import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

#: How many connections a web process holds; those that idle cost it next to nothing.
_CONNECTIONS = 4096
_FILES = 65_536


class Command(BaseCommand):
    help = "Start one part of the stack in this process: web, worker or beat."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=["web", "worker", "beat"])

    def handle(self, *args: Any, part: str, **options: Any) -> None:
        self.stdout.flush()
        _allow_many_connections()
        os.chdir(settings.BASE_DIR)
        command, environment = command_of(part), environment_of(os.environ)
        os.execve(command[0], command, environment)  # noqa: S606


def _allow_many_connections() -> None:
    """Raise this process's limit of open files to what it may be: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def environment_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a part's environment has besides."""
    return {
        # One BLAS thread a process: there are as many processes as cores, and the arrays are small.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **environment,
        "CELERY_SKIP_CHECKS": "1",  # `bootstrap` has run them; here they would load all views for nothing
    }


def command_of(part: str) -> list[str]:
    """Return the command line of a part."""
    return [sys.executable, "-m", *_module_of(part)]


def _module_of(part: str) -> list[str]:
    if part == "web":
        return [
            *("granian", "config.rsgi:application", "--interface", "rsgi", "--http", "1", "--no-ws"),
            *("--host", settings.HOST, "--port", str(settings.PORT)),
            *("--workers", str(settings.WEB_PROCESSES), "--backpressure", str(_CONNECTIONS)),
            *("--respawn-failed-workers", "--workers-kill-timeout", "5", "--log-level", "warning"),
        ]
    celery = ["celery", "--quiet", "--app", "config"]
    if part == "worker":
        return [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    schedule = settings.DATA_DIR / "beat-schedule"
    return [*celery, "beat", "--loglevel", "WARNING", "--schedule", str(schedule), "--pidfile", ""]
