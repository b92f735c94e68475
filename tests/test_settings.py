"""Values that cannot work are refused when a process starts, by name and with the fix."""

from pathlib import Path

import pytest

from tests.helpers import read_settings


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
        ("NIGHTLY_AT", "01:00:30", "HH:MM"),
        ("NIGHTLY_AT", "1", "HH:MM"),
        ("NIGHTLY_AT", "0١:00", "HH:MM"),
        ("SECRET_KEY", "a", "32 random characters"),
        ("SECRET_KEY", "a" * 50, "32 random characters"),
        ("SECRET_KEY", "x7Kp" * 7 + "x7K", "32 random characters"),
        ("SECRET_KEY", "import secrets; print(secrets.token_urlsafe(50))", "32 random characters"),
        ("SECRET_KEY", "django-insecure-3k$z!p0w8v7n@x2c5b6m1q9r4t", "SECRET_KEY_FALLBACKS"),
        ("REDIS_CA_FILE", "no/such/file", "no certificates"),
        ("REDIS_CA_FILE", "/dev/null", "no certificates"),
        ("REDIS_URL", "rediss://redis.example:6379/0?ssl_cert_reqs=none", "REDIS_CA_FILE"),
        ("SCHEDULE_TIME_ZONE", "Mars/Olympus", "Europe/Warsaw"),
        ("LOG_LEVEL", "loud", "INFO"),
        ("DATABASE_URL", "nonsense", "postgres://"),
        ("PUBLIC_PREDICT", "perhaps", "true or false"),
        ("GATE_MAX_DROP", "2", "0 to 1"),
        ("CORS_ORIGINS", "example.org", "https://example.org"),
        ("BASE_MODEL", "no/such/file", "none"),
        ("STREAM", "rabbit", "valkey or kafka"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka.example", "kafka-1:9092"),
        ("KAFKA_TOPIC", "a b", "letters, digits"),
        ("WORKERS", "2", "WEB_PROCESSES"),
        ("STORE_PREDICTIONS", "1", "PREDICTION_SAMPLE_RATE"),
    ],
)
def test_what_cannot_work_is_refused_by_name(tmp_path: Path, name: str, value: str, hint: str) -> None:
    done = read_settings(tmp_path, **{name: value})

    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert "ImproperlyConfigured" in last
    assert name in last
    assert hint in last


def test_spaces_and_small_letters_are_understood(tmp_path: Path) -> None:
    done = read_settings(tmp_path, ALLOWED_HOSTS="a.org, localhost", LOG_LEVEL="debug")

    assert done.stdout.strip() == "['a.org', 'localhost'] DEBUG"


@pytest.mark.parametrize("key", ["q3Xv_8-Zr" * 4, "a key for tests only, which nothing outside of them ever sees"])
def test_a_long_secret_is_taken(tmp_path: Path, key: str) -> None:
    done = read_settings(tmp_path, "import config.settings as s; print(s.SECRET_KEY)", SECRET_KEY=f" {key} ")

    assert done.stdout.strip() == key
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize(("given", "time"), [("3:05", "03:05:00"), ("23:59", "23:59:00")])
def test_a_night_begins_at_an_hour_and_a_minute(tmp_path: Path, given: str, time: str) -> None:
    done = read_settings(tmp_path, "import config.settings as s; print(s.NIGHTLY_AT)", NIGHTLY_AT=given)

    assert done.stdout.strip() == time


@pytest.mark.parametrize(("host", "works"), [("127.0.0.1", True), ("::1", True), ("::", False), ("10.0.0.1", False)])
def test_debugging_is_for_this_machine_only(tmp_path: Path, host: str, works: bool) -> None:
    done = read_settings(tmp_path, HOST=host, DEBUG="true")

    assert (done.returncode == 0) is works
    assert works or "DEBUG" in done.stderr.splitlines()[-1]
