"""Corpora into the database, beside the reviews."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from api.lib import audit_log, suppression
from api.models import ReviewedTweet
from hate_speech_ai.corpora.corpus import Corpus, LeftOut, Rejected
from hate_speech_ai.corpora.reader import read
from hate_speech_ai.sources import corpus_source
from hate_speech_ai.text import is_held_out

_BATCH = 500


@dataclass
class Report:
    """Counts of rows; `left_out` of those without a decision, `rejected` has each rejected row's line and reason.

    `forgotten` counts those that somebody had forgotten, and that stay so.
    """

    added: int = 0
    known: int = 0
    left_out: int = 0
    forgotten: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_corpus(
    corpus: Corpus, path: Path, *, by: str = "first start", progress: Callable[[int], None] = lambda rows: None
) -> Report:
    """Add a corpus's rows. Texts that it has already brought, in this file or before, are passed over.

    So importing twice adds nothing, and an import that was interrupted can be run again. What the corpus's authors
    test with is held out, also where the same text stands among their training rows.

    Args:
        path: a file, or a folder with the corpus's files.
        by: who does it, for the audit log.

    Raises:
        CorpusError: a file as a whole cannot be read.
    """
    source = corpus_source(corpus.name)
    known = set(ReviewedTweet.objects.filter(source=source).values_list("fingerprint", flat=True))
    report = Report()
    tested: set[str] = set()
    batch: list[ReviewedTweet] = []
    for number, row in enumerate(read(corpus, path), start=1):
        if isinstance(row, Rejected):
            report.rejected.append(row)
        elif isinstance(row, LeftOut):
            report.left_out += 1
        elif (digest := row.fingerprint) in known:
            report.known += 1
            if row.held_out:
                tested.add(digest)
        else:
            known.add(digest)
            batch.append(
                ReviewedTweet(
                    tweet=row.tweet,
                    labels=row.labels,
                    source=source,
                    licence=corpus.licence,
                    fingerprint=digest,
                    held_out=row.held_out or is_held_out(digest),
                )
            )
        if len(batch) >= _BATCH:
            _store(batch, report)
            progress(number)
            batch = []
    _store(batch, report)
    ReviewedTweet.objects.filter(source=source, fingerprint__in=tested, held_out=False).update(held_out=True)
    if report.added:
        audit_log.record("corpus.imported", source, by=by, rows=report.added, licence=corpus.licence)
    return report


def _store(batch: list[ReviewedTweet], report: Report) -> None:
    forms = [{"text": suppression.forms_of_text(row.tweet, cleaned=row.fingerprint)} for row in batch]
    forgotten = suppression.find(forms)
    new = [row for place, row in enumerate(batch) if place not in forgotten]
    report.added += len(ReviewedTweet.objects.bulk_create(new))
    report.forgotten += len(forgotten)
