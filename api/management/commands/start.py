import os
import resource
import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import metrics
from api.operations import web_server

_FILES = 65_536


class Command(BaseCommand):
    help = "Start one part of the stack in this process: web, worker, beat or stream."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("part", choices=["web", "worker", "beat", "stream"])

    def handle(self, *args: Any, part: str, **options: Any) -> None:
        self.stdout.flush()
        _allow_many_connections()
        os.chdir(settings.BASE_DIR)
        command, environment = _command_of(part), environment_of(os.environ)
        if part == "web":
            environment |= metrics.environment()
        os.execve(command[0], command, environment)  # noqa: S606


def _command_of(part: str) -> list[str]:
    if part == "stream":
        return _stream_command()
    if part != "web":
        return celery_command(part)
    try:
        listening = web_server.listen(settings.HOST, settings.PORT)
    except web_server.CannotListen as error:
        raise CommandError(str(error)) from None
    return web_server.command(listening.detach(), settings.WEB_PROCESSES)


def _stream_command() -> list[str]:
    from api.stream import process  # which nobody needs without the stream

    if not settings.STREAM:
        raise CommandError("the stream is off; set STREAM=valkey or STREAM=kafka")
    return process.command()


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


def celery_command(part: str) -> list[str]:
    """Return the command line of the worker or of beat."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "config", part, "--loglevel", "WARNING"]
    if part == "worker":
        return [*celery, "--without-gossip", "--without-mingle"]
    # Celery's file of what it did last is a pickle, and would run what anybody wrote into it.
    return [*celery, "--scheduler", "celery.beat:Scheduler", "--pidfile", ""]
