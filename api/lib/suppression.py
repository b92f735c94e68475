"""The suppression list: keyed fingerprints of what was forgotten, which keep it from coming back.

A fingerprint is an HMAC-SHA256 with `FORGET_KEY`. Who has the list without the key can neither read it nor try texts on
it. It is in the database, and each change of it also in `DATA_DIR/forgotten.jsonl`, so that an older database does not
bring back what was forgotten since.
"""

import hashlib
import hmac
import itertools
import json
import logging
import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from api.models import Suppression
from hate_speech_ai.text import fingerprint

logger = logging.getLogger(__name__)
_BATCH = 500

#: What something can be named by, in the order in which kinds name them.
FIELDS = ("text", "external_id", "reviewer", "author")
# Of each field, the forms in which it may be met again.
Named = Mapping[str, Sequence[str]]


class NotAList(ValueError):
    """A file is no list of what was forgotten; the message says where."""


@dataclass
class Merged:
    """What a file brought: entries that were not known, and acts of forgetting that were lifted."""

    added: int = 0
    lifted: int = 0


def forms_of_text(text: str, *, cleaned: str = "") -> list[str]:
    """Return the forms in which a text is remembered.

    The cleaned one is that of this version of the program. The letters and digits alone are the same in every version.

    Args:
        cleaned: its fingerprint, where that is known.
    """
    letters = "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
    found = [f"cleaned:{cleaned or fingerprint(text)}"]
    return [*found, f"letters:{letters}"] if letters else found


def remember(named: Sequence[Named]) -> UUID:
    """Add what was forgotten to the list; in the transaction that forgets it.

    Args:
        named: each with what names it; all of that must agree for something to be the same again.

    Returns:
        The act's number, by which it can be lifted.
    """
    erasure, at, key = uuid4(), timezone.now(), settings.FORGET_KEY
    found = {(kind, digest) for one in named for kind, digest in _digests(one, [tuple(one)], [key])}
    known = Suppression.objects.filter(digest__in=[digest for _, digest in found]).values_list("kind", "digest")
    found -= set(known)  # which stays the first one's, so that lifting that lets it back
    entries = [
        Suppression(erasure=erasure, at=at, kind=kind, digest=digest, key_id=_id(key)) for kind, digest in sorted(found)
    ]
    Suppression.objects.bulk_create(entries, batch_size=_BATCH, ignore_conflicts=True)  # by another act just now
    lines = [_line(entry) for entry in entries]
    transaction.on_commit(lambda: _append(lines))
    return erasure


def lift(erasure: UUID) -> int:
    """Take an act of forgetting off the list, so that what it named may come back; how many entries that were."""
    count, _ = Suppression.objects.filter(erasure=erasure).delete()
    if count:
        transaction.on_commit(lambda: _append([{"lifted": str(erasure)}]))
    return count


def find(subjects: Sequence[Named]) -> dict[int, str]:
    """Return which of these were forgotten: their places in the sequence, and what they were named by."""
    kinds = [tuple(kind.split(",")) for kind in Suppression.objects.values_list("kind", flat=True).distinct()]
    if not kinds:
        return {}
    keys = [settings.FORGET_KEY, *settings.FORGET_KEY_FALLBACKS]
    places: dict[tuple[str, str], list[int]] = {}
    for place, subject in enumerate(subjects):
        for found in _digests(subject, kinds, keys):
            places.setdefault(found, []).append(place)
    forgotten: dict[int, str] = {}
    wanted = sorted({digest for _, digest in places})
    for start in range(0, len(wanted), _BATCH):
        rows = Suppression.objects.filter(digest__in=wanted[start : start + _BATCH])
        for entry in rows.values_list("kind", "digest"):
            forgotten.update(dict.fromkeys(places.get(entry, []), entry[0]))
    return forgotten


def is_needed() -> bool:
    """Return whether anything was forgotten: else nobody need ask about each text."""
    return Suppression.objects.exists()


def number_without_key() -> int:
    """Return how many entries keep nothing away, since they were made with a key that is not here."""
    ids = [_id(key) for key in (settings.FORGET_KEY, *settings.FORGET_KEY_FALLBACKS)]
    return Suppression.objects.exclude(key_id__in=ids).count()


def export() -> Iterator[str]:
    """Return the list as JSON lines, as `merge` reads it."""
    for entry in Suppression.objects.order_by("pk").iterator():
        yield json.dumps(_line(entry)) + "\n"


def merge(path: Path) -> Merged:
    """Take over what a file knows that the database does not.

    Raises:
        NotAList: a line is none of `export` or of `DATA_DIR/forgotten.jsonl`. Nothing is taken over.
        OSError: the file cannot be read.
    """
    entries: dict[tuple[str, str], Suppression] = {}
    lifted: set[UUID] = set()
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                said = json.loads(line)
                if "lifted" in said:
                    lifted.add(UUID(said["lifted"]))
                else:
                    entry = _entry(said)
                    entries[entry.kind, entry.digest] = entry
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise NotAList(f"line {number} of {path} is no entry of what was forgotten") from error
    with transaction.atomic():
        known = set(Suppression.objects.values_list("kind", "digest"))
        new = [entry for name, entry in entries.items() if name not in known and entry.erasure not in lifted]
        Suppression.objects.bulk_create(new, batch_size=_BATCH)
        gone = Suppression.objects.filter(erasure__in=lifted)
        found = Merged(len(new), gone.values("erasure").distinct().count())
        gone.delete()
        if path != settings.FORGOTTEN_FILE:
            lines = [_line(entry) for entry in new] + [{"lifted": str(one)} for one in lifted]
            transaction.on_commit(lambda: _append(lines))
    return found


def _digests(named: Named, kinds: Sequence[tuple[str, ...]], keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each kind that something has all the fields of, with the digests of all forms of these."""
    for kind in kinds:
        if not all(named.get(name) for name in kind):
            continue
        label = ",".join(kind)
        for forms in itertools.product(*(named[name] for name in kind)):
            content = json.dumps([label, *forms]).encode()
            for key in keys:
                yield label, hmac.new(key.encode(), content, "sha256").hexdigest()


def _id(key: str) -> str:
    """Return what may be known of a key: enough to tell it from others."""
    return hashlib.sha256(b"api.lib.suppression:" + key.encode()).hexdigest()[:16]


def _line(entry: Suppression) -> dict[str, Any]:
    return {
        "erasure": str(entry.erasure),
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "digest": entry.digest,
        "key": entry.key_id,
    }


def _entry(said: dict[str, Any]) -> Suppression:
    at = parse_datetime(said["at"])
    if at is None or len(said["digest"]) != 64 or not set(said["kind"].split(",")) <= set(FIELDS):
        raise ValueError
    return Suppression(
        erasure=UUID(said["erasure"]), at=at, kind=said["kind"], digest=said["digest"], key_id=said["key"][:16]
    )


def _append(lines: Sequence[Mapping[str, Any]]) -> None:
    """Add lines to the file beside the database. What is in the database holds, whatever happens to the file."""
    try:
        descriptor = os.open(settings.FORGOTTEN_FILE, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines))
    except OSError as error:
        logger.error("%s cannot be written (%s): export the list by yourself", settings.FORGOTTEN_FILE, error.strerror)
