"""The log while somebody sends bad requests without end."""

import logging
from io import StringIO

import pytest

from api.lib import log_repeats
from api.models import ModelVersion
from tests.conftest import JSONClient


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, which a test moves on."""
    now = [1_000.0]
    monkeypatch.setattr("api.lib.log_repeats.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def logger(lines: list[str], clock: list[float]) -> logging.Logger:
    """A logger with the filter that the service's handler has."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, found = Handler(), logging.Logger("test")
    handler.addFilter(log_repeats.RepeatsFilter())
    found.addHandler(handler)
    return found


def test_one_place_writes_so_many_lines_a_minute_and_says_so(
    logger: logging.Logger, lines: list[str], clock: list[float]
) -> None:
    def fail(*numbers: int) -> None:
        for number in numbers:
            logger.warning("request %s failed", number)

    fail(*range(50))
    clock[0] += 61
    fail(50, 51)

    assert lines[:9] == [f"request {number} failed" for number in range(9)]
    assert lines[9:] == [
        "request 9 failed (more such lines are left out for up to a minute)",
        "request 50 failed (40 such lines were left out)",
        "request 51 failed",
    ]


def test_other_places_and_what_is_no_trouble_are_written(logger: logging.Logger, lines: list[str]) -> None:
    for _ in range(50):
        logger.error("trouble")
        logger.info("no trouble")
    logger.error("other trouble")

    assert len(lines) == log_repeats.MAX_LINES + 50 + 1
    assert lines[-1] == "other trouble"


def test_bad_requests_do_not_fill_the_log(
    client: JSONClient, served: ModelVersion, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    [handler] = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
    monkeypatch.setattr(handler, "stream", written := StringIO())

    for _ in range(30):
        client.post("/label-studio/setup", {"schema": "no XML"})

    assert len(caplog.records) == 30
    assert len(written.getvalue().splitlines()) <= log_repeats.MAX_LINES
