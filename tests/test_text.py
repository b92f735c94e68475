"""hate_speech_ai.text: what a model reads of a tweet."""

import hashlib
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.text import (
    MAX_CHARS,
    Token,
    characters,
    fingerprint,
    is_held_out,
    is_readable,
    lexicon,
    obfuscation,
    repair,
    tokenize,
    tokenize_with_offsets,
)
from tests.conftest import starter_rows

# What the patterns look for, whole and in pieces, so that random joins of it try their borders.
FRAGMENTS = st.sampled_from(
    [
        *("@", "@ann", "http", "https://", "www.", "://", "&", "&amp;", "&#", "&#65;", "&#x1F621;", "&nosuch;", ";"),
        *(
            "\u00c3",
            "\u00a9",
            "\u00c3\u00a9",
            "\u00e2\u0080\u0099",
            "aaa",
            "'",
            "\u2019",
            "_user_",
            "_url_",
            "_",
            "#",
            "#aB",
        ),
        *("\u0301", "\u05b0", "\u05bd", "\u064b", "\u200b", "\u200d", "\u00ad", "\ufe0f", "\ufeff", "\ufdfa", "\0"),
        *(
            "😡",
            "👍🏽",
            "❤️",
            "🇺🇸",
            "\ud83d",
            "\ude21",
            "ﬁ",
            "İ",
            "ß",
            "Σ",
            "न",
            "日",
            "9",
            " ",
            "\n",
            "\t",
            "\u3000",
            "\x1c",
        ),
        *("n1ce", "n i c e", "n.i.c.e", "niiice", "n*ce", "nісе", "#NiceDay", "$", "*", "<user>", "a b"),
        *(
            "<b>",
            "</b>",
            "<br/>",
            '<a href="x">',
            "<!--",
            "-->",
            "<b ",
            "\\*",
            "\\",
            "**",
            "__",
            "~~",
            "(a)",
            "(",
            "[i]",
        ),
        *("\u202e", "\u202c", "\u3164", "\U0001f1ed", "🅗", "🅷", "٤", "\x01", "\x7f"),
    ]
)
ANY_TEXT = st.text(st.characters()) | st.lists(FRAGMENTS | st.text(st.characters(), max_size=3)).map("".join)
APART = st.sampled_from([" ", ", ", " 😡 ", "\n", " & ", "  "])


def test_it_works() -> None:
    tweet = "@Ann  They&#39;re NOT <b>an1mals</b> &amp; I'm soooo tired \U0001f621!! https://t.co/x"

    assert tokenize(tweet) == [*("_user_", "they're", "not", "animals", "i'm", "so", "tired", "\U0001f621", "_url_")]


@pytest.mark.parametrize(
    ("tweet", "tokens"),
    [
        ("love &amp; peace", ["love", "peace"]),
        ("I&#8217;m &#x1F621;", ["i'm", "\U0001f621"]),
        ("AT&T R&B &nosuch; &", ["at", "t", "r", "b", "nosuch"]),
        ("&#64;ann says hi", ["_user_", "says", "hi"]),
    ],
)
def test_entities(tweet: str, tokens: list[str]) -> None:
    assert tokenize(tweet) == tokens


@pytest.mark.parametrize("digits", ["9" * 4_980, "0" * 4_980])
def test_a_character_number_of_thousands_of_digits_is_only_text(digits: str) -> None:
    # It must not hide the other entities either.
    assert tokenize(f"&#104;ello &#{digits};")[0] == "hello"


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("caf\u00c3\u00a9", "café"),
        ("don\u00e2\u0080\u0099t \u00f0\u009f\u0098\u00a1", "don\u2019t \U0001f621"),
        ("donâ€™t", "don\u2019t"),
        ("café, naïve, Ærø, 5 £ « oui »", "café, naïve, Ærø, 5 £ « oui »"),
        ("«CAFÉ» 5 £ \U0001f621", "«CAFÉ» 5 £ \U0001f621"),
        ("\u00c4\u00b1\u00c5\u00a1", "ıš"),
        ("\u00c3\u00a9 beside a real \U0001f621", "é beside a real \U0001f621"),
    ],
)
def test_mojibake(damaged: str, repaired: str) -> None:
    assert repair(damaged) == repaired


@pytest.mark.parametrize("name", ["@ann", "@user", "@USER", "\uff20ann", "@a_n_n_1", "@zoë", "@\u200bann", "<user>"])
def test_every_way_to_name_a_user_is_the_same(name: str) -> None:
    assert tokenize(f"hello {name}!") == ["hello", "_user_"]


@pytest.mark.parametrize(
    "link", ["http://t.co/x", "HTTPS://Example.com/a?b=c&d#e", "www.example.com/@ann", "https://аррӏе.com/a'b", "URL"]
)
def test_every_link_is_the_same(link: str) -> None:
    assert tokenize(f"look {link} now") == ["look", "_url_", "now"]


def test_the_word_url_is_a_word() -> None:
    assert tokenize("the url is broken") == ["the", "url", "is", "broken"]


def test_names_and_links_stand_apart_from_what_touches_them() -> None:
    assert tokenize("you,@ann@bob:see(https://t.co/x") == ["you", "_user_", "_user_", "see", "_url_"]


def test_names_and_links_alone_are_not_readable() -> None:
    assert not is_readable(tokenize("@ann https://t.co/x"))
    assert is_readable(tokenize("@ann hi"))


def test_short_words_and_negation_are_kept() -> None:
    tweet = "i do not , u r no 1 & we don't can't won't never"

    assert tokenize(tweet) == [word for word in tweet.split() if word not in ",&"]


@pytest.mark.parametrize("apostrophe", ["'", "`", "\u2019", "\u2018", "\u02bc", "\uff07"])
def test_every_apostrophe_is_the_same(apostrophe: str) -> None:
    assert tokenize(f"don{apostrophe}t") == ["don't"]


@pytest.mark.parametrize(
    ("tweet", "tokens"),
    [
        ("\U0001f621\U0001f621 go", ["\U0001f621", "\U0001f621", "go"]),
        ("so\U0001f412what", ["so", "\U0001f412", "what"]),
        ("\u2764\ufe0f", ["\u2764"]),
        ("\U0001f44d\U0001f3fd", ["\U0001f44d"]),
        ("\U0001f468\u200d\U0001f469", ["\U0001f468", "\U0001f469"]),
        ("\U0001f1fa\U0001f1f8\U0001f1f2\U0001f1fd", ["\U0001f1fa\U0001f1f8", "\U0001f1f2\U0001f1fd"]),
    ],
)
def test_emoji_are_tokens(tweet: str, tokens: list[str]) -> None:
    assert tokenize(tweet) == tokens


@pytest.mark.parametrize(
    "spelling",
    [
        *("HATE", "häte", "ｈａｔｅ", "𝐡𝐚𝐭𝐞", "ⓗⓐⓣⓔ", "h\u0336a\u0336t\u0336e\u0336"),
        *("ha\u200bte", "ha\u00adte", "h\u2060a\ufefft\u200de", "\u202ehate\u202c"),
        *("h4te", "h@te", "hat3", "haaaate", "hhhaaattteee", "h*te", "hаtе", "һаte", "hᴀte"),
        *("h a t e", "h.a.t.e", "h-a-t-e", "h . a . t . e", "H A T E", "#hate"),
        # Invisible: by Unicode's property, whatever the category, and control characters
        *("h\u3164ate", "ha\u115fte", "hat\uffa0e", "ha\u034fte", "ha\U000e0041te", "h\x01a\x7fte", "ha\x00te"),
        # Letters apart by line ends or long gaps, and runs of any length
        *("h\na\nt\ne", "h\r\na\r\nt\r\ne", "h\ta\tt\te", "h......a......t......e", "h" + "a" * 90 + "te"),
        # Enclosed, turned to digits of other scripts, spelled with flags' letters, shown from right to left
        *("🅗🅐🅣🅔", "🅷🅰🆃🅴", "🄷🄰🅃🄴", "h٤te", "🇭🇦🇹🇪", "🇭 🇦 🇹 🇪", "\u202eetah\u202c"),
        # Markdown and HTML inside
        *("h**a**te", "h*a*t*e", "h__a__te", "h_a_t_e", "h~~a~~te", "h<b>a</b>te", 'h<span class="x">a</span>te'),
        *(
            "h<!-- x -->ate",
            "h<wbr>ate",
            "h(a)te",
            "(h)(a)(t)(e)",
            "h[a]te",
            r"h\*te",
            "ha<br/>te".replace("<br/>", ""),
        ),
        # Letters that Unicode's table of confusables has, and no alphabet of one country
        *("ᕼate", "hꓮte", "haꓔe", "ℎate", "hatҽ", "ⲏate", "hаⲧe"),
    ],
)
def test_hidden_words_are_seen(spelling: str) -> None:
    assert tokenize(f"i {spelling}, you") == ["i", "hate", "you"]


@pytest.mark.parametrize(
    ("tweet", "tokens"),
    [
        ("k i l l  t h e m  a l l", ["kill", "them", "all"]),
        ("k i l l t h e m a l l", ["kill", "them", "all"]),
        ("k.i.l.l t.h.e.m", ["kill", "them"]),
        ("#SendThemBack", ["send", "them", "back"]),
        ("#sendthemback", ["send", "them", "back"]),
        ("#SENDthemBACK2024", ["send", "them", "back", "2024"]),
        ("sh1t, $hit and s**t", ["shit", "shit", "and", "shit"]),
        ("fucckkk yesss", ["fuck", "yes"]),
        ("k\ni\nl\nl  t\nh\ne\nm", ["kill", "them"]),
        ("f*ck sh*t", ["fuck", "shit"]),
        ("one<br>two<p>three</p>", ["one", "two", "three"]),
        ("\u202emeht llik\u202c now", ["kill", "them", "now"]),
        ("so **bold** and _italic_ and ~~gone~~", ["so", "bold", "and", "italic", "and", "gone"]),
    ],
)
def test_hidden_words_are_told_apart(tweet: str, tokens: list[str]) -> None:
    assert tokenize(tweet) == tokens


@pytest.mark.parametrize(
    "tweet",
    [
        *(
            "142,460 people",
            "1st 2nd 3rd 90s 5pm 4k mp3",
            "scunthorpe",
            "f(x) = 3 x + 2",
            "call 555 0199",
            "v2 and b12",
        ),
        *("room 101 at 9am", "iphone 15", "cool good book see too", "e = 2 c", "1488", "привет как дела", "x 2 y 3"),
        *("f(x, y)", "list[i] and map{k}", "if a <b and c> d then", "<hate all of them>", "<3 <user >"),
    ],
)
def test_what_hides_nothing_stays(tweet: str) -> None:
    assert all(token.text == token.surface for token in tokenize_with_offsets(tweet))
    assert tokenize(tweet) == re.findall(r"\w+", tweet)


def test_the_spelling_is_kept_beside_the_word() -> None:
    assert tokenize_with_offsets("so n.i.c.e!")[1] == Token("nice", begin=3, end=10, surface="n.i.c.e")


@pytest.mark.parametrize("word", ["नमस्ते", "السَّلام", "שָׁלוֹם"])
def test_marks_that_are_letters_of_a_script_are_kept(word: str) -> None:
    assert "".join(tokenize(word)).replace(" ", "") == word


@pytest.mark.parametrize(
    ("tweet", "tokens"),
    [
        ("sooo", ["so"]),
        ("NOOOoooo", ["no"]),
        ("good", ["good"]),
        ("goooood", ["good"]),
        ("1000", ["1000"]),
        ("zzzorg", ["zorg"]),
    ],
)
def test_stretched_letters(tweet: str, tokens: list[str]) -> None:
    assert tokenize(tweet) == tokens


@pytest.mark.parametrize("tweet", ["", " \n\t", "...", "?!#$%&*()", "\u200b\u00ad\ufeff", "'", "\x1c"])
def test_a_text_may_hold_no_token(tweet: str) -> None:
    assert tokenize(tweet) == []


def test_only_the_first_5000_characters_are_read() -> None:
    tweet = "word " * 1_000

    assert tokenize(tweet + "kill them all") == tokenize(tweet)


@given(ANY_TEXT)
def test_no_text_raises_and_tokens_stand_where_they_say(tweet: str) -> None:
    tokens = tokenize_with_offsets(tweet)

    assert len(tokens) <= MAX_CHARS
    assert all(token.text and not re.search(r"\s", token.text) for token in tokens)
    assert all(0 <= token.begin < token.end <= len(tweet) for token in tokens)
    assert [token.begin for token in tokens] == sorted(token.begin for token in tokens)
    assert len(fingerprint(tweet)) == 64


SPELLINGS = {
    "hate": ["hate", "H4te", "h a t e", "h.a.t.e", "haaaate", "h*te", "hаtе", "h\u200ba\u200bte", "ha\u00adte", "𝐡𝐚𝐭𝐞"],
    "café": ["café", "cafe\u0301", "caf\u00c3\u00a9", "caf&eacute;", "CAFÉ"],
    "😡": ["😡", "&#x1F621;"],
    "👍": ["👍", "👍🏽"],
    "_user_": ["@ann", "@zoë", "@a_1"],
    "they": ["they", "th3y", "#They"],
}
SPELLED = st.sampled_from([(word, spelling) for word, spellings in SPELLINGS.items() for spelling in spellings])


@given(st.lists(SPELLED, min_size=1, max_size=8), APART)
def test_every_spelling_is_read_and_found_in_its_place(words: list[tuple[str, str]], apart: str) -> None:
    tweet = apart.join(spelling for _, spelling in words)
    if apart.strip(" ") == "" and any(" " in spelling for _, spelling in words):
        return  # spaced letters beside spaced letters are one run, which is read by its words
    tokens = [token for token in tokenize_with_offsets(tweet) if token.text not in ("😡",) or "😡" not in apart]
    expected = [(word, spelling) for word, spelling in words if word != "😡" or "😡" not in apart]

    assert [token.text for token in tokens] == [word.replace("é", "e") for word, _ in expected]
    for token, (_, spelling) in zip(tokens, expected, strict=True):
        assert tweet[token.begin : token.end] == spelling.lstrip("#")


@pytest.mark.parametrize("tweet", ["see <defunct> now", "<b1tch>", "a <so> b <no>"])
def test_a_word_in_angle_brackets_stands_between_them(tweet: str) -> None:
    assert [tweet[token.begin : token.end] for token in tokenize_with_offsets(tweet)] == re.findall(r"\w+", tweet)


def test_an_ascii_word_is_its_own_slice() -> None:
    for row in starter_rows()[::7]:
        for token in tokenize_with_offsets(row["tweet"]):
            if row["tweet"].isascii() and "&" not in row["tweet"] and not token.surface.startswith("_"):
                assert row["tweet"][token.begin : token.end].lower() == token.surface


MEMOS = (
    obfuscation.word,
    obfuscation.plain,
    obfuscation.spaced,
    obfuscation.bracketed,
    obfuscation.indicators,
    lexicon.split,
)


def thread_seconds(work: Callable[[], object]) -> float:
    """Of this thread's own processor time, so that a busy machine does not count; the best of several."""

    def once() -> float:
        for memo in MEMOS:
            memo.clear()
        characters._fold.cache_clear()
        started = time.thread_time()
        work()
        return time.thread_time() - started

    return min(once() for _ in range(9))


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "@",
            "@a",
            "'",
            "a'",
            "_",
            "!",
            " ",
            "aab",
            "h",
            "http://",
            "www.",
            "&",
            "&amp;",
            "&#1;",
            "&a",
            "&Counter",
            "a ",
            "a.",
            "a~.",
            "a_.",
            "a*",
            "#aB",
            "#abcdefgh",
            "ab#cdef*gh ",
            "1a",
            "$a!",
            "<a>",
            "a b. c",
            "<b>",
            "<b ",
            "<b a=b ",
            '<a b="',
            "<!--",
            "\\*",
            "a(b)",
            "a(",
            "a  ",
            "a**b",
            "a_b_",
            "~",
        ),
        *("\u00c3\u00a9", "\u00e2\u0080", "é", "e\u0301", "\u200b", "\ufdfa", "😡", "👨‍👩‍👧", "\ud83d"),
        *("\u202eab", "\u202eab\u202c", "\U0001f1ed", "\U0001f1ed ", "🅗"),
        pytest.param("\u05b0\u05bd\u05b1\u05b9", id="hebrew points"),
        pytest.param("\u0651\u064b", id="arabic vowel marks"),
        pytest.param("\u3099\u094d\u0f71", id="marks of many scripts"),
    ],
)
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    short, long = (piece * 1_250)[:1_250], (piece * 5_000)[:5_000]

    # Four times the text; quadratic work would take sixteen times as long, whatever else the machine does.
    assert any(
        thread_seconds(lambda: tokenize(long)) < 9 * thread_seconds(lambda: tokenize(short)) + 0.001 for _ in range(3)
    )


def test_a_fingerprint_is_the_hash_of_the_tokens() -> None:
    assert fingerprint("Have a  NICE day\u200b!") == hashlib.sha256(b"have a nice day").hexdigest()


def test_a_fingerprint_ignores_what_reading_sees_through_and_nothing_else() -> None:
    same = ["@ann go home!", "@bob  Go&#32;HOME", "@ann, go ho\u00adme!!!", "@ann go h0oooome", "@ann go #home"]
    others = [
        "ann go home!",
        "@ann do not go home!",
        "go home!",
        "@ann go home \U0001f621",
        "home go @ann",
        "@ann gohome",
    ]

    assert len({fingerprint(tweet) for tweet in same}) == 1
    assert len({fingerprint(tweet) for tweet in same + others}) == 1 + len(others)


def test_one_tweet_in_ten_is_held_out() -> None:
    held_out = [is_held_out(fingerprint(row["tweet"])) for row in starter_rows()]

    assert 0.085 < sum(held_out) / len(held_out) < 0.115


def test_a_tweet_never_changes_sides() -> None:
    # If this fails, tweets that models were trained on have become those that they are measured on.
    held_out = [number for number in range(40) if is_held_out(fingerprint(f"tweet number {number}"))]

    assert held_out == [1, 6, 12, 14, 25, 26, 31, 37]


@pytest.mark.parametrize(("digest", "held_out"), [("0000000a" + "f" * 56, True), ("0000000b" + "0" * 56, False)])
def test_the_side_is_decided_by_the_first_eight_digits(digest: str, held_out: bool) -> None:
    assert is_held_out(digest) is held_out
