"""DATA_DIR: the database, the keys and the secrets are nobody else's, whatever the folder was before."""

import stat
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config.data_folder import make_private
from tests.helpers import read_settings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that others could look into, with what an earlier start left there."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("db.sqlite3", "db.sqlite3-wal", "api-key", "secret_key"):
        (folder / name).write_text("x" * 40)
        (folder / name).chmod(0o644)
    (folder / "corpora").mkdir()
    (folder / "corpora").chmod(0o755)
    return folder


def test_a_start_closes_the_folder_and_what_is_in_it(folder: Path) -> None:
    assert read_settings(folder).returncode == 0

    assert mode(folder) == 0o700
    assert {path.name: oct(mode(path)) for path in folder.iterdir()} == {
        **dict.fromkeys(("db.sqlite3", "db.sqlite3-wal", "api-key", "secret_key", "forget_key"), "0o600"),
        "corpora": "0o700",
    }


def test_what_is_created_later_is_private_too(folder: Path) -> None:
    done = read_settings(folder, program="import config.settings as s; (s.DATA_DIR / 'later').touch()")

    assert done.returncode == 0
    assert mode(folder / "later") == 0o600


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")

    assert mode(tmp_path / "a" / "b") == 0o700


def test_where_links_lead_is_left_alone(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    elsewhere.chmod(0o644)
    (folder / "link").symlink_to(elsewhere)

    make_private(folder)

    assert mode(elsewhere) == 0o644


def test_a_folder_that_holds_only_what_is_not_ours_keeps_its_rights(folder: Path) -> None:
    for name in ("db.sqlite3", "secret_key"):
        (folder / name).unlink()

    make_private(folder)

    assert (mode(folder), mode(folder / "api-key"), mode(folder / "corpora")) == (0o755, 0o644, 0o755)


def test_everybodys_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)

    with pytest.raises(ImproperlyConfigured, match="DATA_DIR"):
        make_private(tmp_path)

    assert mode(tmp_path) == 0o1777


def test_a_folder_that_stays_open_is_reported(folder: Path, settings: Settings) -> None:
    settings.DATA_DIR = folder

    [problem] = [check for check in run_checks() if str(folder) in check.msg]

    assert problem.hint == f"Run `chmod 700 {folder}` as its owner."
    make_private(folder)
    assert not [check for check in run_checks() if str(folder) in check.msg]
