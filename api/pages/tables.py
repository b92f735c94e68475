"""Tables that a page shows, draws and gives away as CSV: the numbers stand in one place."""

import csv
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.lib.csv_safety import escape_formula


@dataclass(frozen=True)
class Table:
    """Numbers under headings.

    Attributes:
        name: in the address of its CSV.
        columns: their headings; the first column is what the others are about.
    """

    name: str
    title: str
    columns: list[str]
    rows: list[list[Any]]


def as_csv(request: HttpRequest, *tables: Table) -> HttpResponse | None:
    """Return the table that the address names with `?csv=`, as a file; None where it names none of these."""
    for table in tables:
        if request.GET.get("csv") == table.name:
            response = HttpResponse(content_type="text/csv; charset=utf-8")
            response["Content-Disposition"] = f'attachment; filename="{table.name}.csv"'
            writer = csv.writer(response)
            writer.writerow(table.columns)
            writer.writerows(
                [escape_formula(cell) if isinstance(cell, str) else cell for cell in row] for row in table.rows
            )
            return response
    return None
