"""Which language a comment is in, for clients that do not say."""

import pytest
from django.conf import settings

from api.perspective import language
from tests.conftest import starter_rows


@pytest.mark.skipif(language.pycld2 is None, reason="there is no language detector for this platform")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eres un idiota y no tienes ni idea de lo que hablas", "es"),
        ("Heute ist das Wetter wirklich wunderschön", "de"),
        ("tu es vraiment un imbécile, ferme ta gueule", "fr"),
        ("jesteś idiotą, zamknij się", "pl"),
        ("сегодня прекрасная погода", "ru"),
        ("אתה אידיוט, תסתום את הפה", "he"),
        ("今日はとてもいい天気ですね", "ja"),
    ],
)
def test_another_language_is_named(text: str, expected: str) -> None:
    assert language.detect(text) == expected


@pytest.mark.parametrize("text", ["привет", "你好", "أنت غبي، اخرس", "ة" * 5000])
def test_another_script_is_at_least_not_english(text: str) -> None:
    assert language.detect(text) != "en"


@pytest.mark.parametrize(
    "text",
    [
        *("lol", "ayyy lmao smh", "asdf qwer", "boo hoo you", "stinky toad", "BC y'all clowns", "bonjour"),
        *("", "😡😡😡", "!!!", "1234", "a\0b\x07", "@jürgen_müller https://beispiel.de/straße"),
        "уоu аrе а stuріd іdіоt",  # with Cyrillic letters, and no way around the model
        "𝓲𝓭𝓲𝓸𝓽 ｇｏ ａｗａｙ",
        "you are 🇩🇪 a stupid café owner, señor",
    ],
)
def test_in_doubt_it_is_english(text: str) -> None:
    assert language.detect(text) == "en"


def test_english_tweets_are_not_refused() -> None:
    tweets = [row["tweet"] for row in starter_rows()]

    refused = [tweet for tweet in tweets if language.detect(tweet) != "en"]

    assert len(refused) <= len(tweets) / 5_000, refused


def test_without_a_build_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "pycld2", None)

    assert language.detect("Heute ist das Wetter wirklich wunderschön") == "en"
    assert language.detect("сегодня прекрасная погода") is None


def test_the_platforms_without_a_build_are_excepted() -> None:
    requirements = (settings.BASE_DIR / "requirements.txt").read_text(encoding="utf-8")

    [line] = [line for line in requirements.splitlines() if line.startswith("pycld2")]
    assert "platform_machine == 'x86_64'" in line
    assert "python_version < '3.14'" in line
