"""Corpora from their public homes."""

import hashlib
import shutil
import urllib.request
from http.client import HTTPException
from pathlib import Path

from hate_speech_ai.corpora.catalogue import CORPORA
from hate_speech_ai.corpora.corpus import Corpus, CorpusError

_CHUNK = 1 << 16


def download(corpus: Corpus, folder: Path, *, url: str = "", timeout: float = 30.0) -> Path:
    """Fetch a corpus from its public home, once, and check that it is the file that the mapping was made for.

    Args:
        folder: where it is kept.
        url: of a mirror of the same file.

    Raises:
        CorpusError: it cannot be fetched, or is another file.
    """
    address = url or corpus.url
    if not address or not corpus.sha256:
        if corpus.name in CORPORA:
            raise CorpusError(f"{corpus.name} has no home to download it from; give its file or folder with --path")
        raise CorpusError(f"{corpus.name} is not known here; give its file with --path and its columns")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{corpus.name}.csv"
    if target.exists() and _sha256(target) == corpus.sha256:
        return target
    partial = target.with_suffix(".part")
    try:
        with urllib.request.urlopen(address, timeout=timeout) as answer, partial.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file, _CHUNK)
        if (found := _sha256(partial)) != corpus.sha256:
            raise CorpusError(
                f"the file at {address} has the SHA-256 {found}, not {corpus.sha256}: it was changed or cut short"
            )
        partial.replace(target)
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, CorpusError):
            raise
        raise CorpusError(f"{address} cannot be fetched ({error}); download it yourself and use --path") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
