"""docs/settings.md names every setting, and none that does not exist."""

import ast
import re

from django.conf import settings


def read_by_the_settings() -> set[str]:
    """Return the names in `env.str("NAME")`, `_integer("NAME", ...)` and the like."""
    names = set()
    for node in ast.walk(ast.parse((settings.BASE_DIR / "config" / "settings.py").read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        called = ast.unparse(node.func)
        if called in ("_integer", "_number", "_flag", "_list", "env.str"):
            names.add(str(node.args[0].value))
    return names


def documented() -> list[str]:
    text = (settings.BASE_DIR / "docs" / "settings.md").read_text(encoding="utf-8")
    return re.findall(r"^\|\s*`([A-Z][A-Z0-9_]*)`\s*\|", text, re.MULTILINE)


def test_the_names_are_found() -> None:
    assert {"DATA_DIR", "PORT", "RATE_LIMIT_PREDICT", "DATABASE_URL", "SCHEDULE_TIME_ZONE"} <= read_by_the_settings()


def test_every_setting_is_documented_once() -> None:
    assert sorted(documented()) == sorted(read_by_the_settings())
