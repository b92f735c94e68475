"""The conformance tables of docs/, and what shows that their rows are true."""

from collections.abc import Callable, Iterator

from django.conf import settings

Row = tuple[str, str]
Case = Callable[..., None]

VERDICTS = {"implemented", "ignored", "refused", "added"}


class Table:
    """The section Conformance of a page of docs/.

    Attributes:
        rows: each row's name, without its backquotes, and its verdict.
        cases: for each row the functions that show it: tests, or what a test of the module walks through.
    """

    def __init__(self, name: str) -> None:
        self.page = settings.BASE_DIR / "docs" / name
        self.rows = list(self._read())
        self.cases: dict[Row, list[Case]] = {}

    def case(self, row: str, verdict: str = "implemented") -> Callable[[Case], Case]:
        """Mark what shows that a row is true."""

        def mark(function: Case) -> Case:
            self.cases.setdefault((row, verdict), []).append(function)
            return function

        return mark

    def check(self, *, walked: bool = False) -> None:
        """Every row has a case that is run, and every case a row.

        Args:
            walked: whether a test of the module runs the cases; else each must be a test itself.
        """
        assert len(self.rows) == len(set(self.rows))
        assert {verdict for _, verdict in self.rows} == VERDICTS
        assert set(self.rows) == set(self.cases)
        names = {case.__name__ for cases in self.cases.values() for case in cases}
        assert walked or all(name.startswith("test_") for name in names)

    def _read(self) -> Iterator[Row]:
        _, _, section = self.page.read_text(encoding="utf-8").partition("\n## Conformance\n")
        for line in section.splitlines():
            if line.startswith("|"):
                name, verdict, _ = (cell.strip() for cell in line.strip("|").split("|"))
                if verdict not in ("here", "---"):
                    yield name.replace("`", ""), verdict
