"""Loaded before Django's settings: a data folder and a Valkey of the tests' own, whatever else runs here."""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from api.lib.processes import kill_when_parent_ends
from api.lib.valkey import find_server, free_port


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit("the tests' Valkey did not start")


folder = Path(tempfile.mkdtemp(prefix="hate-speech-tests-"))
_server, _port = find_server(), free_port()
if _server is None:
    sys.exit("the tests need a Valkey or Redis server: install redis-server")
_valkey = subprocess.Popen(
    [_server, "--port", str(_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
    stdout=subprocess.DEVNULL,
    preexec_fn=kill_when_parent_ends,
)


def _clean_up() -> None:
    _valkey.kill()
    _valkey.wait()
    shutil.rmtree(folder, ignore_errors=True)


atexit.register(_clean_up)
_wait_for(_port)
_SETTINGS = ("RATE_LIMIT_", "GATE_", "CORS_", "PUBLIC_", "BEHIND_HTTPS", "DEBUG", "TRUSTED_PROXIES", "PORT")
for name in list(os.environ):
    if name.startswith(_SETTINGS):
        del os.environ[name]
os.environ |= {
    "DATA_DIR": str(folder / "data"),
    "REDIS_URL": f"redis://127.0.0.1:{_port}/0",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", f"sqlite:///{folder / 'db.sqlite3'}"),
    "ENV_FILE": os.devnull,
    "BASE_MODEL": "none",  # a small model from nothing is trained in a second; tests of the base model say so
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "SECRET_KEY": "a key for tests only, which nothing outside of them ever sees",
}
