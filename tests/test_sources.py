"""hate_speech_ai.sources: how a source is written is known there alone."""

import ast
from pathlib import Path

from django.conf import settings

from api.models import ApiKey
from hate_speech_ai.sources import corpus_name, corpus_source, is_corpus, is_key, key_source


def test_it_works() -> None:
    corpus, key = corpus_source("starter"), key_source(7)

    assert (is_corpus(corpus), is_key(corpus), corpus_name(corpus)) == (True, False, "starter")
    assert (is_corpus(key), is_key(key), corpus_name(key)) == (False, True, key)
    assert ApiKey(pk=7).source == key


def spelt_out(path: Path) -> bool:
    """Whether a file writes or reads a source's prefix itself."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Constant) and node.value in ("corpus:", "key:") for node in nodes)


def test_no_other_module_writes_one_by_hand() -> None:
    files = [path for folder in ("api", "hate_speech_ai") for path in (settings.BASE_DIR / folder).rglob("*.py")]

    assert [path.name for path in files if spelt_out(path)] == ["sources.py"]
