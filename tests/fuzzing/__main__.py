"""schemathesis against the real service, on SQLite and on Postgres: does it do what its OpenAPI schema says?

    make fuzz
    .venv/bin/python -m tests.fuzzing [--examples 15] [--seed 1] [--database sqlite postgres]

Each database is asked once with a key of each scope, and once without. The report of each is printed, and the exit
status is 1 where anything was found. `schemathesis.toml` beside this says which answers are right although the schema
cannot say why.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from api.models import ApiKey  # noqa: E402
from tests.stack.harness import ROOT, Postgres, Stack  # noqa: E402

HERE = Path(__file__).resolve().parent
#: Made by `make`: schemathesis pins packages of ours to other versions.
PROGRAM = ROOT / ".schemathesis" / "bin" / "st"
NO_KEY = "none"


def main() -> int:
    """Run it, and return the exit status."""
    parser = argparse.ArgumentParser(description="schemathesis against the real service.")
    parser.add_argument("--examples", type=int, default=15, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    options = parser.parse_args()
    failed = []
    for database in options.database:
        with tempfile.TemporaryDirectory() as folder, _service(Path(folder), database) as stack:
            for scope in (*ApiKey.Scope.values, NO_KEY):
                print(f"\n{database}, key: {scope}", flush=True)  # noqa: T201
                if _fuzz(stack, scope, options.examples, options.seed):
                    failed.append(f"{database}, key: {scope}")
    print("\nFailures:", "; ".join(failed) or "none")  # noqa: T201
    return 1 if failed else 0


@contextmanager
def _service(folder: Path, database: str) -> Iterator[Stack]:
    environment = {"RATE_LIMIT_REVIEW": "", "RATE_LIMIT_WRONG_KEY": "", "PREDICTION_SAMPLE_RATE": "1"}
    if database == "sqlite":
        with Stack(folder, every=8, **environment) as stack:
            yield stack
    else:
        with Postgres() as postgres:
            environment["DATABASE_URL"] = postgres.url
            with Stack(folder, every=8, **environment) as stack:
                yield stack


def _fuzz(stack: Stack, scope: str, examples: int, seed: int) -> int:
    """Return schemathesis' exit status."""
    key = []
    if scope != NO_KEY:
        said = stack.manage("create_key", f"fuzzing {scope}", "--scope", scope, "--trusted")
        plain = next(word for word in said.split() if word.startswith("hs_") and word.count("_") > 1)
        key = ["--header", f"Authorization: Api-Key {plain}"]
    phases = ["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-shrink"]
    # What it would hide are keys of a service that is gone soon, and what sent the request cannot be told without them.
    report = ["--warnings", "off", "--output-sanitize", "false"]
    how = ["--checks", "all", "--max-examples", str(examples), "--seed", str(seed), *phases, *report]
    command = [str(PROGRAM), "--config-file", str(HERE / "schemathesis.toml"), "run", f"{stack.url}/schema", *key, *how]
    return subprocess.run(command, env={**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}).returncode


if __name__ == "__main__":
    sys.exit(main())
