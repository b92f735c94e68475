"""Values that cannot work are refused when a process starts, by name and with the fix."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import config.settings as s; print(s.ALLOWED_HOSTS, s.LOGGING['root']['level'])"],
        env=os.environ | {"DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull} | environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ALLOWED_HOSTS", "a b", "hate.example.org"),
        ("ALLOWED_HOSTS", "example.org:8000", "without a port"),
        ("HOST", "localhost", "127.0.0.1"),
        ("PORT", "abc", "1 to 65535"),
        ("PORT", "0", "1 to 65535"),
        ("TRUSTED_PROXIES", "-1", "0 to 10"),
        ("NIGHTLY_AT", "01:00+02:00", "HH:MM"),
        ("NIGHTLY_AT", "25:00", "HH:MM"),
        ("SCHEDULE_TIME_ZONE", "Mars/Olympus", "Europe/Warsaw"),
        ("LOG_LEVEL", "loud", "INFO"),
        ("DATABASE_URL", "nonsense", "postgres://"),
        ("PUBLIC_PREDICT", "perhaps", "true or false"),
        ("GATE_MAX_DROP", "2", "0 to 1"),
        ("CORS_ORIGINS", "example.org", "https://example.org"),
        ("BASE_MODEL", "no/such/file", "none"),
        ("WORKERS", "2", "WEB_PROCESSES"),
        ("STORE_PREDICTIONS", "1", "PREDICTION_SAMPLE_RATE"),
    ],
)
def test_what_cannot_work_is_refused_by_name(tmp_path: Path, name: str, value: str, hint: str) -> None:
    done = start(tmp_path, **{name: value})

    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert "ImproperlyConfigured" in last
    assert name in last
    assert hint in last


def test_spaces_and_small_letters_are_understood(tmp_path: Path) -> None:
    done = start(tmp_path, ALLOWED_HOSTS="a.org, localhost", LOG_LEVEL="debug")

    assert done.stdout.strip() == "['a.org', 'localhost'] DEBUG"
