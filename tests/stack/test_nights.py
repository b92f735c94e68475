"""The nightly run comes once, whatever happens to the clock's process."""

import shelve
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.stack.harness import ZONE, Stack, wait_for

pytestmark = pytest.mark.stack


def test_a_missed_night_is_made_up_for_once(tmp_path: Path) -> None:
    """The sweep notices that there was no nightly run for 26 hours, also where nothing was ever trained."""
    with Stack(tmp_path, WEB_PROCESSES="1") as stack:
        stack.manage(
            *("shell", "--no-imports", "--command"),
            "from datetime import timedelta; from django.db.models import F, QuerySet;"
            "from api.models import Promotion; QuerySet(Promotion).update(at=F('at') - timedelta(hours=27))",
        )

        run = wait_for("the nightly run", lambda: _done_nightly(stack))

        stack.let_all_messages_arrive()
        assert stack.runs("nightly") == [run]


class _Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self._path,)


def test_two_beats_make_one_nightly_run_and_execute_no_file(tmp_path: Path) -> None:
    night = _coming_minute(at_least=timedelta(seconds=40))
    with Stack(tmp_path, WEB_PROCESSES="1", NIGHTLY_AT=night.strftime("%H:%M")) as stack:
        with shelve.open(str(stack.data / "beat-schedule")) as planted:  # noqa: S301
            planted["entries"] = _Touch(tmp_path / "executed")
        with stack.command("start", "beat") as second:
            run = wait_for("the nightly run", lambda: _done_nightly(stack))
            wait_for("a moment later", lambda: datetime.now(ZONE) > night + timedelta(seconds=3))
            stack.let_all_messages_arrive()
            still_there = second.poll() is None
            second.kill()

        assert still_there
        assert stack.runs("nightly") == [run]
        assert not (tmp_path / "executed").exists()


def _done_nightly(stack: Stack) -> Any:
    return next((run for run in stack.runs("nightly") if run["status"] == "done"), None)


def _coming_minute(*, at_least: timedelta) -> datetime:
    soonest = datetime.now(ZONE) + at_least
    return (soonest + timedelta(minutes=1)).replace(second=0, microsecond=0)
