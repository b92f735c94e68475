from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from api.lib import audit_log
from api.reviews.corpora import Report, import_corpus
from hate_speech_ai.corpora.catalogue import CORPORA, STARTER, own
from hate_speech_ai.corpora.corpus import Corpus, CorpusError
from hate_speech_ai.corpora.download import download

_SHOWN = 20
_LONGEST_LICENCE = 200


class Command(BaseCommand):
    help = (
        f"Load a labelled corpus: {', '.join(CORPORA)}, "
        "or a file of your own (.csv, .tsv or .jsonl) with named columns."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--path",
            type=Path,
            help="a file, or a folder with the corpus's files; without it, the corpus is downloaded",
        )
        parser.add_argument("--url", default="", help="a mirror to download the same file from")
        parser.add_argument("--text-column", help="of a file of your own")
        parser.add_argument(
            "--label", action="append", default=[], metavar="LABEL=COLUMN", help="of a file of your own; 0/1 or empty"
        )

        parser.add_argument("--licence", default="", help="of a file of your own; kept on each row")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            corpus = self._corpus(**options)
            if corpus.licence:
                self.stdout.write(f"{corpus.name}: {corpus.source}. Licence: {corpus.licence}.")
            ours = settings.STARTER_CORPUS if corpus is STARTER else None
            path = options["path"] or ours or download(corpus, settings.DATA_DIR / "corpora", url=options["url"])
            with tqdm(desc=corpus.name, unit=" rows") as bar:
                report = import_corpus(
                    corpus, path, by=audit_log.current_operator(), progress=lambda rows: _move(bar, rows)
                )
        except CorpusError as error:
            raise CommandError(str(error)) from None
        self._tell(report)
        if report.forgotten and not options["path"] and not ours:
            path.unlink(missing_ok=True)  # it has what is to be forgotten
            self.stdout.write(f"{path} is deleted, since it has what was forgotten")

    def _corpus(self, name: str, text_column: str | None, label: list[str], licence: str, **options: Any) -> Corpus:
        if name in CORPORA and not text_column and not label:
            return CORPORA[name]
        if not text_column:
            raise CorpusError(f"{name} is none of {', '.join(CORPORA)}; for a file of your own add --text-column")
        columns = dict(pair.partition("=")[::2] for pair in label)
        if not all(columns.values()):
            raise CorpusError("write --label LABEL=COLUMN, such as --label hate_speech=is_hate")
        if len(licence) > _LONGEST_LICENCE:
            raise CorpusError(f"--licence has {len(licence)} characters; at most {_LONGEST_LICENCE} are kept")
        return own(name, text_column=text_column, label_columns=columns, licence=licence)

    def _tell(self, report: Report) -> None:
        for row in report.rejected[:_SHOWN]:
            self.stderr.write(f"{row.file} line {row.line}: {row.reason}".lstrip())
        if len(report.rejected) > _SHOWN:
            self.stderr.write(f"... and {len(report.rejected) - _SHOWN:,} more")
        left_out = f"{report.left_out:,} left out, " if report.left_out else ""
        if report.forgotten:
            self.stdout.write(f"{report.forgotten:,} passed over: they were forgotten, and stay so")
        self.stdout.write(
            f"{report.added:,} rows added, {report.known:,} known already, {left_out}{len(report.rejected):,} rejected"
        )


def _move(bar: "tqdm[Any]", rows: int) -> None:
    bar.update(rows - bar.n)
