"""The same rows as JSON has, as CSV."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

from django.http import HttpResponse

from api.lib.csv_safety import escape_formula


def answer(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> HttpResponse:
    """Return rows as a table with a header. A text that a spreadsheet would run as a formula is defused.

    Args:
        names: of the columns, in order; a list in a cell is joined by spaces.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return escape_formula(value) if isinstance(value, str) else value
