"""Small files for tests, of the project's own."""

import csv
from pathlib import Path


def some_rows(whole: Path, every: int, path: Path) -> Path:
    """Write every so many rows of a CSV file to another, and return that one."""
    with whole.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as few:
        csv.writer(few).writerows([header, *rows[::every]])
    return path
