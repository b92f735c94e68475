"""hate_speech_ai.artifact: a model as bytes, and all that is refused."""

import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from api.prediction import loading
from hate_speech_ai.artifact import MAX_BYTES, Artifact, ArtifactError, read_curves, sha256
from hate_speech_ai.operating_points import Curve
from hate_speech_ai.scorer import Scorer
from hate_speech_ai.vocabulary import Vocabulary, pack
from tests.conftest import MakeVersion

LABELS = ["hate_speech", "toxic", "spam"]
WORDS = ["bad", "good", "good day", "😡"]
PATTERNS = ["<group>", "deport <group>"]
NGRAMS = [" ba", "bad", "day", "goo", "é\ud83d"]
CURVE = Curve([0.9, 0.4], [0.5, 1.0], [0.0, 0.3], yes=20, no=80, everyday=[0.0, 0.01], most_everyday=0.003)
VOCABULARY = Vocabulary(WORDS, PATTERNS, NGRAMS, np.linspace(1, 3, 11, dtype=np.float16), unknown_idf=4.5, tweets=100)
SMALL = Artifact(
    labels=LABELS,
    vocabulary=VOCABULARY,
    weights=np.linspace(-2, 2, 33, dtype=np.float16).reshape(3, 11),
    intercepts=np.array([-0.5, 0.1, 0.3]),
    curves=dict.fromkeys(LABELS, CURVE),
    metadata={"data_fingerprint": "ab" * 32, "note": "zażółć 😡"},
)
CONTENT = SMALL.to_bytes()


def header_of(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    found: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["hate_speech_ai"])
    return found


def with_header(header: str) -> bytes:
    return save(load(CONTENT), metadata={"hate_speech_ai": header})


def with_field(name: str, value: Any) -> bytes:
    return with_header(json.dumps({**header_of(CONTENT), name: value}))


def without_field(name: str) -> bytes:
    return with_header(json.dumps({key: value for key, value in header_of(CONTENT).items() if key != name}))


def with_arrays(**arrays: Any) -> bytes:
    kept = {name: array for name, array in {**load(CONTENT), **arrays}.items() if array is not None}
    return save(kept, metadata={"hate_speech_ai": json.dumps(header_of(CONTENT))})


def refusal(content: bytes) -> str:
    with pytest.raises(ArtifactError) as refused:
        Artifact.from_bytes(content)
    return str(refused.value)


def test_it_works() -> None:
    artifact = Artifact.from_bytes(CONTENT)

    assert artifact.to_bytes() == CONTENT
    assert (artifact.labels, artifact.vocabulary.blocks) == (LABELS, [WORDS, PATTERNS, NGRAMS])
    assert (artifact.vocabulary.unknown_idf, artifact.vocabulary.tweets) == (4.5, 100)
    assert (artifact.curves, artifact.metadata) == (SMALL.curves, SMALL.metadata)
    assert all(np.array_equal(getattr(artifact, name), getattr(SMALL, name)) for name in ("weights", "intercepts"))
    assert np.array_equal(artifact.vocabulary.idf, VOCABULARY.idf)


def test_a_curve_without_everyday_tweets_is_read_again() -> None:
    plain = replace(CURVE, everyday=[], most_everyday=1.0)
    artifact = replace(SMALL, curves=dict.fromkeys(LABELS, plain))

    assert Artifact.from_bytes(artifact.to_bytes()).curves == artifact.curves


def test_curves_can_be_read_without_the_model() -> None:
    assert read_curves(CONTENT) == SMALL.curves
    with pytest.raises(ArtifactError, match="not an artifact"):
        read_curves(CONTENT[:-1])
    header = header_of(CONTENT)
    header["curves"]["toxic"]["recalls"] = [2.0, 3.0]
    with pytest.raises(ArtifactError, match="impossible"):
        read_curves(with_header(json.dumps(header)))


def test_arrays_are_written_row_by_row_however_they_lie() -> None:
    turned = replace(SMALL, weights=np.asfortranarray(SMALL.weights))

    assert turned.to_bytes() == CONTENT


def test_a_trained_model_gives_the_same_bytes_again(artifact_bytes: bytes) -> None:
    assert Artifact.from_bytes(artifact_bytes).to_bytes() == artifact_bytes


def test_the_order_of_metadata_does_not_change_the_bytes() -> None:
    one = replace(SMALL, metadata={"a": 1, "b": 2}, curves=dict(sorted(SMALL.curves.items())))
    other = replace(SMALL, metadata={"b": 2, "a": 1}, curves=dict(sorted(SMALL.curves.items(), reverse=True)))

    assert one.to_bytes() == other.to_bytes()


def test_the_name_is_the_hash_of_the_bytes() -> None:
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_truncated_artifact_is_refused() -> None:
    for length in range(len(CONTENT)):
        assert "not an artifact" in refusal(CONTENT[:length])


def test_a_longer_artifact_is_refused() -> None:
    assert "not an artifact" in refusal(CONTENT + b"\0")


@pytest.mark.parametrize("position", range(0, len(CONTENT), 97))
def test_a_flipped_bit_is_refused(position: int, make_version: MakeVersion) -> None:
    content = bytearray(CONTENT)
    content[position] ^= 1

    with pytest.raises(ArtifactError):
        loading.load(make_version(bytes(content), digest=sha256(CONTENT)))


@given(st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), min_size=1))
def test_altered_bytes_are_refused_or_harmless(changes: list[tuple[int, int]]) -> None:
    content = bytearray(CONTENT)
    for position, value in changes:
        content[position] = value

    try:
        scorer = Scorer(Artifact.from_bytes(bytes(content)))
    except ArtifactError:
        return
    assert all(0 <= share <= 1 for share in scorer.score("good day", scorer.labels).probabilities.values())


@given(st.binary())
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    refusal(content)
    refusal(len(content).to_bytes(8, "little") + content)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 1),
        ("format", 2),
        ("format", "3"),
        ("format", None),
        ("cleaning", 0),
        ("cleaning", 99),
        ("features", 2),
        ("stemmer", "stemming 0.9 porter2"),
        ("stemmer", ""),
    ],
)
def test_another_format_cleaning_feature_or_stemmer_is_refused(name: str, value: Any) -> None:
    message = refusal(with_field(name, value))

    assert f"{name} is {value!r}" in message
    assert repr(header_of(CONTENT)[name]) in message


@pytest.mark.parametrize(
    "name",
    ["format", "cleaning", "features", "stemmer", "labels", "unknown_idf", "tweets", "curves", "metadata"],
)
def test_an_absent_field_is_refused(name: str) -> None:
    assert name in refusal(without_field(name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels", []),
        ("labels", None),
        ("labels", "hate_speech"),
        ("labels", ["hate_speech", "toxic"]),
        ("labels", ["hate_speech", "toxic", "spam", "other"]),
        ("labels", ["hate_speech", "toxic", "Spam!"]),
        ("labels", ["hate_speech", "toxic", 3]),
        ("labels", [["hate_speech"], "toxic", "spam"]),
        ("curves", None),
        ("curves", [0.5]),
        ("curves", {}),
        ("curves", {"hate_speech": [0.5]}),
        ("curves", {label: {"thresholds": [0.5]} for label in LABELS}),
        ("curves", {label: {**CURVE.as_dict(), "more": 1} for label in LABELS}),
        ("metadata", None),
        ("metadata", 5),
        ("unknown_idf", 0),
        ("unknown_idf", -1.0),
        ("unknown_idf", float("nan")),
        ("unknown_idf", float("inf")),
        ("unknown_idf", 10**310),
        ("unknown_idf", None),
        ("unknown_idf", "much"),
        ("tweets", None),
        ("tweets", "many"),
        ("tweets", float("inf")),
        ("tweets", -2),
    ],
)
def test_a_garbled_field_is_refused(name: str, value: Any) -> None:
    refusal(with_field(name, value))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), None, "0.5", True, [0.5]])
@pytest.mark.parametrize("column", ["thresholds", "recalls", "fallouts", "everyday"])
def test_a_curve_of_what_are_no_shares_is_refused(column: str, value: Any) -> None:
    curves = {label: CURVE.as_dict() for label in LABELS}
    curves["toxic"][column] = [value, 0.5]

    assert "curve of toxic" in refusal(with_field("curves", curves))


@pytest.mark.parametrize(
    "fields",
    [
        {"thresholds": [1.0, 0.4]},
        {"thresholds": [0.9, 0.0]},
        {"recalls": [0.0, 1.0]},
        {"recalls": [1.0]},
        {"thresholds": [], "recalls": [], "fallouts": []},
        {"fallouts": 0.5},
        {"everyday": [0.1]},
        {"everyday": [0.1, 0.2, 0.3]},
        {"everyday": None},
        {"everyday": "much"},
        {"most_everyday": -0.1},
        {"most_everyday": 1.1},
        {"most_everyday": None},
        {"yes": 0},
        {"yes": -3},
        {"yes": 2.5},
        {"no": 0},
        {"no": None},
    ],
)
def test_an_impossible_curve_is_refused(fields: dict[str, Any]) -> None:
    curves = {label: CURVE.as_dict() for label in LABELS}
    curves["toxic"] |= fields

    assert "curve of toxic" in refusal(with_field("curves", curves))


@pytest.mark.parametrize("header", ["", "{", "[]", "null", "1", '"a"', "9" * 5_000, "[" * 200_000, '{"a":' * 200_000])
def test_a_header_that_is_no_object_is_refused(header: str) -> None:
    refusal(with_header(header))


def test_another_programs_safetensors_are_refused() -> None:
    refusal(save({"weights": np.zeros(3, dtype=np.float32)}))
    refusal(save({}, metadata={"hate_speech_ai": json.dumps(header_of(CONTENT))}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["idf", "weights", "intercepts"])
def test_a_number_that_is_none_is_refused(name: str, value: float) -> None:
    array = load(CONTENT)[name].copy()
    array.flat[-1] = value

    assert f"{name} are not all finite" in refusal(with_arrays(**{name: array}))


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_an_idf_that_is_not_above_0_is_refused(value: float) -> None:
    assert "idf" in refusal(with_arrays(idf=np.full(11, value, dtype=np.float16)))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("idf", np.ones(10, dtype=np.float16)),
        ("idf", np.ones((11, 1), dtype=np.float16)),
        ("idf", np.ones(11, dtype=np.float32)),
        ("weights", np.ones((11, 3), dtype=np.float16)),
        ("weights", np.ones(33, dtype=np.float16)),
        ("weights", np.ones((2, 11), dtype=np.float16)),
        ("weights", np.ones((3, 11), dtype=np.int16)),
        ("weights", np.ones((3, 11), dtype=np.float32)),
        ("intercepts", np.ones(2)),
        ("intercepts", np.ones((3, 1))),
        ("intercepts", np.ones(3, dtype=np.float32)),
    ],
)
def test_a_wrong_shape_or_type_is_refused(name: str, array: Any) -> None:
    assert f"the artifact's {name} are {array.dtype}{array.shape}" in refusal(with_arrays(**{name: array}))


@pytest.mark.parametrize("name", ["words", "patterns", "ngrams", "idf", "weights", "intercepts"])
def test_an_absent_array_is_refused(name: str) -> None:
    assert f"lacks {name}" in refusal(with_arrays(**{name: None}))


def test_an_empty_vocabulary_is_refused() -> None:
    none = np.zeros(0, dtype=np.float16)
    empty = replace(VOCABULARY, words=[], patterns=[], ngrams=[], idf=none)

    assert "no vocabulary" in refusal(replace(SMALL, vocabulary=empty, weights=none).to_bytes())


@pytest.mark.parametrize("block", ["words", "patterns", "ngrams"])
@pytest.mark.parametrize("names", [["bad"], [f"name {number}" for number in range(9)], []])
def test_a_vocabulary_of_another_size_than_the_weights_is_refused(block: str, names: list[str]) -> None:
    refusal(with_arrays(**{block: pack(names)}))


@pytest.mark.parametrize("block", ["words", "patterns", "ngrams"])
@pytest.mark.parametrize("content", [b"\xff\xfe", b" \xff\xfe", b"\n\n", b"~bad"])
def test_a_vocabulary_that_is_no_text_is_refused(block: str, content: bytes) -> None:
    assert "garbles" in refusal(with_arrays(**{block: np.frombuffer(content, dtype=np.uint8)}))


def test_a_model_that_does_not_answer_hate_speech_is_refused() -> None:
    labels = ["toxic", "spam", "insult"]
    artifact = replace(SMALL, labels=labels, curves=dict.fromkeys(labels, CURVE))

    assert "hate_speech" in refusal(artifact.to_bytes())


class Trap:
    """Unpickling it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    content = pickle.dumps(Trap(trap))

    refusal(content)
    refusal(CONTENT + content)
    assert not trap.exists()


def test_a_zip_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    arrays, archive = io.BytesIO(), io.BytesIO()
    np.savez(arrays, weights=np.array([Trap(trap)], dtype=object))
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model", CONTENT)

    refusal(arrays.getvalue())
    refusal(archive.getvalue())
    assert not trap.exists()


def test_a_huge_artifact_is_refused_unread() -> None:
    assert f"at most {MAX_BYTES:,}" in refusal(bytes(MAX_BYTES + 1))


def test_a_header_that_claims_to_be_huge_is_refused() -> None:
    refusal((1 << 62).to_bytes(8, "little") + CONTENT[8:])
