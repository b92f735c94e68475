"""Tables that a page shows, draws and gives away as CSV: the numbers stand in one place."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from api.lib.csv_safety import escape_formula


@dataclass(frozen=True)
class Table:
    """Numbers under headings.

    Attributes:
        name: in the address of its CSV.
        columns: their headings; the first column is what the others are about.
        drawn: how a chart shows a column: `line`, `points`, or `low` and `high`, the edges of a band. The others are
            not drawn; without any, the last column is a line.
        is_blurred: whether the first column has words of users, which stay blurred until somebody asks for them.
    """

    name: str
    title: str
    columns: list[str]
    rows: list[list[Any]]
    drawn: Mapping[str, str] = field(default_factory=dict)
    is_blurred: bool = False

    @property
    def heads(self) -> list[tuple[str, str]]:
        """Each heading, and how its column is drawn."""
        return [(column, self.drawn.get(column, "")) for column in self.columns]


def as_csv(request: HttpRequest, *tables: Table) -> HttpResponse | None:
    """Return the table that the address names with `?csv=`, as a file; None where it names none of these."""
    for table in tables:
        if request.GET.get("csv") == table.name:
            response = HttpResponse(content_type="text/csv; charset=utf-8")
            response["Content-Disposition"] = f'attachment; filename="{table.name}.csv"'
            writer = csv.writer(response)
            writer.writerow(table.columns)
            writer.writerows([_cell(cell) for cell in row] for row in table.rows)
            return response
    return None


def _cell(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    return escape_formula(cell) if isinstance(cell, str) else cell
