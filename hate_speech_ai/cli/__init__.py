"""The command line: train, try, explain, measure and compare models, without the service.

Each command is a module with `add`, which declares its options, and `run`. scikit-learn and matplotlib are imported by
the commands that need them, so that `predict` starts in a moment.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

from hate_speech_ai.cli import base, compare, evaluate, explain, finetune, predict, train
from hate_speech_ai.cli.arguments import UsageError
from hate_speech_ai.version import VERSION

_BAD_INPUT = 2
_INTERRUPTED = 130  # as a shell has it: 128 and SIGINT


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message.removeprefix('argument ')}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None, parser: argparse.ArgumentParser | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the process by default.
        parser: of `python -m hate_speech_ai` by default.

    Returns:
        The exit status: 0, or 2 for bad input, which is told on standard error in one line.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character that cannot be read or shown is no reason to stop
    try:
        options = (parser or _parser()).parse_args(arguments)
        options.run(options)
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return _BAD_INPUT
    except BrokenPipeError:  # as of `... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit does not fail
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m hate_speech_ai", description="Train, try, explain, measure and compare models.")
    parser.add_argument("--version", action="version", version=f"hate_speech_ai {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (train, predict, explain, evaluate, compare, base, finetune):
        command.add(commands)
    return parser
