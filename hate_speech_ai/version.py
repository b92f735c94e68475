"""The project's version, as pyproject.toml has it.

The project is run from its folder and never installed, so importlib.metadata does not know it.
"""

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

VERSION: str = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
