"""A Valkey that cannot read its file begins empty: all that it holds is in the database."""

import sys
from pathlib import Path

import pytest

from api.lib import valkey
from api.operations.supervisor import Child


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a Valkey whose file is damaged."""
    home = tmp_path / "valkey"
    (home / "appendonlydir").mkdir(parents=True)
    (home / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(b"\0" * 20)
    (home / "valkey.log").write_text("starting\nBad file format reading the append only file\n")
    return home


def test_the_file_is_moved_aside_and_said_so(home: Path) -> None:
    said = valkey.set_aside(home.parent)

    assert not (home / "appendonlydir").exists()
    assert (home / "damaged" / "appendonlydir" / "appendonly.aof.1.incr.aof").read_bytes() == b"\0" * 20
    assert str(home / "damaged") in said
    assert said.endswith("it said: Bad file format reading the append only file")


def test_only_the_last_damaged_file_is_kept(home: Path) -> None:
    valkey.set_aside(home.parent)
    (home / "appendonlydir").mkdir()

    valkey.set_aside(home.parent)

    assert list((home / "damaged" / "appendonlydir").iterdir()) == []
    assert valkey.set_aside(home.parent) == ""  # nothing is there, so that the cause is another


def test_messages_never_make_room_for_models(tmp_path: Path) -> None:
    [_, file] = valkey.command(tmp_path, "valkey-server", 1234, "secret")

    assert "maxmemory-policy volatile-lru" in Path(file).read_text()


# Who notices it.


def started(part: Child, times: int) -> list[str]:
    """Let a part end so often; what the supervisor says meanwhile."""
    said: list[str] = []
    part.pause = 60.0  # the supervisor does not start it, we do
    for _ in range(times):
        part.start()
        assert part.process is not None
        part.process.wait(30)
        part.check(said.append)
    return said


def child(program: str, healed: list[str]) -> Child:
    def heal() -> str:
        healed.append("once")
        return "healed"

    return Child("part", [sys.executable, "-c", program], {}, heal)


def test_after_two_failed_starts_a_part_is_healed() -> None:
    healed: list[str] = []
    part = child("raise SystemExit(1)", healed)

    counts = [len(healed) for _ in range(4) if started(part, 1)]

    assert counts == [0, 1, 1, 2]


def test_a_part_that_is_killed_is_not() -> None:
    healed: list[str] = []

    started(child("import os; os.kill(os.getpid(), 9)", healed), 4)

    assert healed == []


def test_a_part_that_cannot_be_healed_does_not_end_the_others() -> None:
    def fail() -> str:
        raise OSError("no space left on the device")

    said = started(Child("part", [sys.executable, "-c", "raise SystemExit(1)"], {}, fail), 2)

    assert said[-1] == "part cannot be healed: no space left on the device"
