"""hate_speech_ai.corpora.catalogue: what is read of a labelled corpus, and what is refused."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from hate_speech_ai.corpora.catalogue import CORPORA, STARTER, own
from hate_speech_ai.corpora.corpus import Corpus, CorpusError, Labels, LeftOut, Record, Rejected, Row
from hate_speech_ai.corpora.download import download
from hate_speech_ai.corpora.reader import read
from hate_speech_ai.labels import LABELS

MINE = own("mine", text_column="tweet", label_columns={})
YES, NO = {"hate_speech": True}, {"hate_speech": False}
HEADER = b"tweet,hate_speech\n"


@pytest.fixture
def rows_of(tmp_path: Path) -> Callable[..., list[Record]]:
    """The rows of a file with this content."""

    def rows(content: str | bytes, name: str = "corpus.csv", corpus: Corpus = MINE) -> list[Record]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read(corpus, path))

    return rows


RowsOf = Callable[..., list[Record]]


def accepted(rows: list[Record]) -> list[tuple[int, str]]:
    return [(row.line, row.tweet) for row in rows if isinstance(row, Row)]


def rejected(rows: list[Record]) -> dict[int, str]:
    return {row.line: row.reason for row in rows if isinstance(row, Rejected)}


def test_it_works(rows_of: RowsOf) -> None:
    assert rows_of("tweet,hate_speech\nkill them all,1\nhave a nice day,0\n") == [
        Row(2, "kill them all", YES),
        Row(3, "have a nice day", NO),
    ]


# Mappings


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ("0", {"hate_speech": True, "toxic": True}),
        ("1", {"hate_speech": False, "toxic": True}),
        ("2", {"hate_speech": False, "toxic": False}),
    ],
)
def test_davidson2017(rows_of: RowsOf, value: str, labels: Labels) -> None:
    content = f",count,hate_speech,offensive_language,neither,class,tweet\n0,3,3,0,0,{value},hello\n"

    assert rows_of(content, corpus=CORPORA["davidson2017"]) == [Row(2, "hello", labels)]


@pytest.mark.parametrize(("value", "labels"), [("0", NO), ("1", {"hate_speech": True, "toxic": True})])
def test_twitter_hate_av(rows_of: RowsOf, value: str, labels: Labels) -> None:
    assert rows_of(f"id,label,tweet\n1,{value},hello\n", corpus=CORPORA["twitter_hate_av"]) == [Row(2, "hello", labels)]


@pytest.mark.parametrize("value", ["", "3", "-1", "0.0", "hate", " 0"])
def test_a_class_that_the_mapping_does_not_know_is_rejected(rows_of: RowsOf, value: str) -> None:
    rows = rows_of(f"class,tweet\n{value},hello\n2,good\n", corpus=CORPORA["davidson2017"])

    assert list(rejected(rows)) == [2]
    assert "class" in rejected(rows)[2]
    assert accepted(rows) == [(3, "good")]


HATEFUL = {"hate_speech": True, "toxic": True}
OFFENSIVE = {"hate_speech": False, "toxic": True}
HARMLESS = {"hate_speech": False, "toxic": False}
TOXIC = {"toxic": True}


@pytest.mark.parametrize(
    ("name", "file", "content", "expected"),
    [
        (
            "hatexplain",
            "hatexplain.csv",
            "row,split,text,label_1,label_2,label_3,label,agreement\n"
            "0,train,one,hatespeech,hatespeech,normal,hatespeech,2\n"
            "1,val,two,offensive,offensive,normal,offensive,2\n"
            "2,test,three,normal,normal,normal,normal,3\n",
            [Row(2, "one", HATEFUL), Row(3, "two", OFFENSIVE), Row(4, "three", HARMLESS, held_out=True)],
        ),
        (
            "jigsaw_toxic_sample",
            "train_natural.csv",
            "id,comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate\n"
            'a,"one\n""two""",1,0,1,0,1,0\n'
            "b,three,1,1,0,1,0,1\n"
            "c,four,0,0,0,0,0,0\n",
            [
                Row(
                    2, 'one\n"two"', dict.fromkeys(LABELS, False) | dict.fromkeys(("toxic", "obscene", "insult"), True)
                ),
                Row(4, "three", dict.fromkeys(LABELS, True) | {"obscene": False, "insult": False}),
                Row(5, "four", dict.fromkeys(LABELS, False)),
            ],
        ),
        (
            "cad",
            "cad_v1_1_dev.tsv",
            "id\ttext\tlabels\n"
            'a-post\t"one[linebreak]two\tNeutral\n'
            "b-title\tthree, four\tPersonDirectedAbuse, IdentityDirectedAbuse,Neutral\n"
            "c\tfive\tCounterSpeech,AffiliationDirectedAbuse\n",
            [Row(2, '"one two', HARMLESS), Row(3, "three, four", HATEFUL), Row(4, "five", OFFENSIVE)],
        ),
        (
            "measuring_hate_speech",
            "measuring_hate_speech_binary.csv",
            "text,label,part\none,1,train\ntwo,0,dev\nthree,0,test\n",
            [Row(2, "one", HATEFUL), Row(3, "two", NO), Row(4, "three", NO, held_out=True)],
        ),
        (
            "hateval2019_en",
            "val.csv",
            "text,label,split\none,1,val\ntwo,0,val\nNA,0,val\n",
            [Row(2, "one", HATEFUL), Row(3, "two", NO), Row(4, "NA", NO)],
        ),
        (
            "olid",
            "olid-training-v1.0.tsv",
            "id\ttweet\tsubtask_a\tsubtask_b\tsubtask_c\n"
            '1\t"one\tOFF\tTIN\tGRP\n'
            "2\ttwo &amp; three\tNOT\tNULL\tNULL\n"
            '3\tfour ""\tOFF\tUNT\tNULL\n',
            [Row(2, '"one', TOXIC), Row(3, "two & three", HARMLESS), Row(4, 'four ""', TOXIC)],
        ),
        (
            "stormfront",
            "stormfront.csv",
            "file_id,user_id,label,sampled,text\n1_1,1,hate,train,one\n1_2,1,noHate,,two\n1_3,1,hate,test,three\n",
            [Row(2, "one", HATEFUL), Row(3, "two", NO), Row(4, "three", HATEFUL, held_out=True)],
        ),
        (
            "gab_hate_corpus",
            "ghc_dev_test.csv",
            "text_id,text,part,hate,hd,cv,vo\n1,one,dev,1,1,0,0\n2,two,dev,0,0,0,1\n3,three,test,1,0,1,0\n",
            [Row(2, "one", HATEFUL), Row(3, "two", NO), Row(4, "three", HATEFUL, held_out=True)],
        ),
        (
            "wiki_context_toxicity",
            "gc.csv",
            'id,text,parent,label,api\n1.1,one,"before\nit",1,0.9\n2.2,two,,0,0.1\n3.3,three,x,0,0.2\n',
            [Row(2, "one", TOXIC), Row(4, "two", HARMLESS), Row(5, "three", HARMLESS)],
        ),
    ],
)
def test_other_public_corpora(rows_of: RowsOf, name: str, file: str, content: str, expected: list[Row]) -> None:
    assert rows_of(content, file, CORPORA[name]) == expected


def test_jigsaw_rows_of_which_only_toxicity_is_known(rows_of: RowsOf) -> None:
    content = gzip.compress(b"row,comment_text,toxic\n1,one,1\n2,two,0\n")

    rows = rows_of(content, "train_head20k_toxic_only.csv.gz", CORPORA["jigsaw_toxic_sample"])

    assert rows == [Row(2, "one", TOXIC), Row(3, "two", HARMLESS)]


@pytest.mark.parametrize("labels", ["", "Neutral,", "Neutral,Nosuch", "Neutral;CounterSpeech"])
def test_each_of_several_values_must_have_a_meaning(rows_of: RowsOf, labels: str) -> None:
    rows = rows_of(f"id\ttext\tlabels\na\tone\t{labels}\n", "cad.tsv", CORPORA["cad"])

    assert "not one of Neutral, CounterSpeech" in rejected(rows)[2]


@pytest.mark.parametrize("value", ["relation", "idk/skip"])
def test_a_row_without_a_decision_is_left_out_whatever_its_text(rows_of: RowsOf, value: str) -> None:
    rows = rows_of(f"label,sampled,text\n{value},,hello\n{value},,...\nhate,,bye\n", corpus=CORPORA["stormfront"])

    assert rows == [LeftOut(2), LeftOut(3), Row(4, "bye", HATEFUL)]


def test_posts_on_which_three_annotators_disagree_are_left_out(rows_of: RowsOf) -> None:
    rows = rows_of("split,text,label\nundecided,hello,undecided\n", corpus=CORPORA["hatexplain"])

    assert rows == [LeftOut(2)]


@pytest.mark.parametrize("name", [corpus.name for corpus in CORPORA.values() if corpus.part_column])
def test_without_the_column_that_marks_test_rows_a_file_is_refused(rows_of: RowsOf, name: str) -> None:
    corpus = CORPORA[name]
    columns = ",".join([corpus.text_column, *corpus.meanings])

    with pytest.raises(CorpusError, match=f"no column {corpus.part_column};"):
        rows_of(f"{columns}\nhello,0\n", corpus=corpus)


# Folders


def test_all_files_of_a_folder_are_read_and_rejected_rows_name_theirs(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label,split\none,1,train\n...,0,train\n")
    (tmp_path / "val.csv").write_text("text,label,split\ntwo,7,val\nthree,0,val\n")
    (tmp_path / "README.md").write_text("# HatEval")

    assert list(read(CORPORA["hateval2019_en"], tmp_path)) == [
        Row(2, "one", HATEFUL),
        Rejected(3, "there is no word in the text", "train.csv"),
        Rejected(2, "label is '7', not one of 0, 1", "val.csv"),
        Row(3, "three", NO),
    ]


def test_each_file_of_a_folder_is_read_by_its_own_columns(tmp_path: Path) -> None:
    header = ",".join(("comment_text", *LABELS[1:]))
    for name in CORPORA["jigsaw_toxic_sample"].files:
        content = "comment_text,toxic\none,0\n" if "only" in name else f"{header}\ntwo,1,1,1,1,1,1\n"
        (tmp_path / name).write_bytes(gzip.compress(content.encode()))

    assert list(read(CORPORA["jigsaw_toxic_sample"], tmp_path)) == [
        Row(2, "two", dict.fromkeys(LABELS, True)),
        Row(2, "two", dict.fromkeys(LABELS, True)),
        Row(2, "one", HARMLESS),
    ]


def test_a_folder_that_lacks_a_file_is_refused_before_any_row(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\none,1\n")

    with pytest.raises(CorpusError, match=r"there is no val\.csv in"):
        next(read(CORPORA["hateval2019_en"], tmp_path))


def test_a_folder_for_a_file_of_your_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is a folder; give the file"):
        list(read(MINE, tmp_path))


# The table


def test_every_corpus_is_in_the_documentation_with_its_licence() -> None:
    page = (settings.BASE_DIR / "docs" / "corpora.md").read_text(encoding="utf-8")
    table = {cells[1].strip(" `"): line for line in page.splitlines() if len(cells := line.split("|")) > 2}

    for corpus in CORPORA.values():
        assert corpus.licence in table[corpus.name]
        assert corpus.base_rate is None or f"{corpus.base_rate:.1%}".replace("%", " %") in table[corpus.name]


def test_the_starter_corpus(rows_of: RowsOf) -> None:
    content = "id,tweet,hate_speech,toxic,severe_toxic,obscene,threat,insult,identity_hate\na-1,hello,0,1,,0,1,,0\n"

    assert rows_of(content, corpus=STARTER) == [
        Row(2, "hello", {"hate_speech": False, "toxic": True, "obscene": False, "threat": True, "identity_hate": False})
    ]


@pytest.mark.parametrize("name", ["davidson2017", "twitter_hate_av"])
def test_a_public_corpus_has_a_home_a_hash_and_a_licence(name: str) -> None:
    corpus = CORPORA[name]

    assert corpus.url.startswith("https://")
    assert len(corpus.sha256) == 64
    assert corpus.licence
    assert corpus.source


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        *((value, True) for value in ("1", "1.0", "TRUE", "yes", " 1 ")),
        *((value, False) for value in ("0", "0.0", "False", "no")),
    ],
)
def test_ways_to_write_an_answer(rows_of: RowsOf, value: str, answer: bool) -> None:
    assert rows_of(f"tweet,hate_speech\nhello,{value}\n") == [Row(2, "hello", {"hate_speech": answer})]


@pytest.mark.parametrize("value", ["2", "-1", "0.5", "hate", "nan", "10", "1e0"])
def test_another_answer_is_rejected(rows_of: RowsOf, value: str) -> None:
    assert rejected(rows_of(f"tweet,hate_speech\nhello,{value}\n")) == {
        2: f"hate_speech is '{value}', not 0, 1 or empty"
    }


def test_a_row_without_any_answer_is_rejected(rows_of: RowsOf) -> None:
    assert rejected(rows_of("tweet,hate_speech\nhello,\n")) == {2: "no label is answered"}


def test_a_file_of_your_own(rows_of: RowsOf) -> None:
    corpus = own("forum", text_column="post", label_columns={"hate_speech": "is_hate", "spam": "is_spam"})

    assert rows_of("is_spam,post,is_hate\n1,buy now,0\n,hello,1\n", corpus=corpus) == [
        Row(2, "buy now", {"hate_speech": False, "spam": True}),
        Row(3, "hello", YES),
    ]


@pytest.mark.parametrize("name", ["starter", "davidson2017", "twitter_hate_av"])
def test_a_file_of_your_own_cannot_take_a_known_name(name: str) -> None:
    with pytest.raises(CorpusError, match="another name"):
        own(name, text_column="tweet", label_columns={})


@pytest.mark.parametrize("label", ["", "Hate", "hate speech", "1st", "a" * 41, "hate\n"])
def test_an_impossible_label_is_refused(label: str) -> None:
    with pytest.raises(CorpusError, match="cannot name a label"):
        own("mine", text_column="tweet", label_columns={label: "x"})


# Text


def test_entities_and_mojibake_are_undone_and_blanks_cut(rows_of: RowsOf) -> None:
    [row] = rows_of("tweet,hate_speech\n  AT&amp;T don\u00e2\u0080\u0099t \u00f0\u009f\u0098\u00a1 ,0\n")

    assert row == Row(2, "AT&T don\u2019t \U0001f621", NO)


@pytest.mark.parametrize("tweet", ["", " ", "...", "\u200b", "!?"])
def test_a_text_without_a_word_is_rejected(rows_of: RowsOf, tweet: str) -> None:
    assert rejected(rows_of(f"tweet,hate_speech\n{tweet},0\nhello,1\n")) == {2: "there is no word in the text"}


def test_a_nul_is_rejected(rows_of: RowsOf) -> None:
    rows = rows_of(HEADER + b"he\0llo,0\nhello,1\n")

    assert rejected(rows) == {2: "the text contains a NUL character"}
    assert accepted(rows) == [(3, "hello")]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\xbd", b"\xc0\x80", b"caf\xe9"])
def test_only_the_row_that_is_not_utf8_is_rejected(rows_of: RowsOf, bad: bytes) -> None:
    rows = rows_of(HEADER + b"good,0\nhello " + bad + b" you,0\nhello \xf0\x9f\x98\xa1,1\n")

    assert rejected(rows) == {3: "the text is not valid UTF-8"}
    assert accepted(rows) == [(2, "good"), (4, "hello \U0001f621")]


def test_a_tweet_of_thousands_of_digits_is_kept(rows_of: RowsOf) -> None:
    assert len(accepted(rows_of("tweet,hate_speech\nhello &#" + "9" * 4_500 + ";,0\n"))) == 1


# Tables


def test_line_numbers_count_line_breaks_inside_quotes_and_blank_lines(rows_of: RowsOf) -> None:
    rows = rows_of('tweet,hate_speech\n"two\nlines",0\nshort\n\n"again\n\ntwo",0,1\ngood,1\n')

    assert accepted(rows) == [(2, "two\nlines"), (9, "good")]
    assert rejected(rows) == {4: "1 cells, but the header has 2", 6: "3 cells, but the header has 2"}


def test_quotes_and_commas(rows_of: RowsOf) -> None:
    content = 'tweet,hate_speech\n"he said ""go"", and I went",0\nsay "hi" to him,1\n'

    assert accepted(rows_of(content)) == [(2, 'he said "go", and I went'), (3, 'say "hi" to him')]


@pytest.mark.parametrize("columns", [("tweet", "hate_speech"), ("hate_speech", "tweet")])
def test_a_quote_that_is_never_closed_is_rejected_where_it_opens(rows_of: RowsOf, columns: tuple[str, str]) -> None:
    lines = [{"tweet": "good", "hate_speech": "0"}, {"tweet": '"open', "hate_speech": "1"}]
    lines += [{"tweet": f"row {number}", "hate_speech": "0"} for number in range(5)]
    rows = rows_of("\n".join([",".join(columns), *(",".join(line[c] for c in columns) for line in lines)]))

    # Else the rows behind it would be stored as one long tweet, with one label, or not at all.
    assert accepted(rows) == [(2, "good"), *((number + 4, f"row {number}") for number in range(5))]
    assert list(rejected(rows)) == [3]


def test_a_huge_cell_is_rejected_and_the_rest_is_kept(rows_of: RowsOf) -> None:
    rows = rows_of("tweet,hate_speech\n" + "x" * 200_000 + ",1\nhello,0\n")

    assert "field larger" in rejected(rows)[2]
    assert accepted(rows) == [(3, "hello")]


def test_a_huge_header_is_refused(rows_of: RowsOf) -> None:
    with pytest.raises(CorpusError):
        rows_of("x" * 200_000 + ",hate_speech\nhello,0\n")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end(rows_of: RowsOf, line_end: str) -> None:
    assert accepted(rows_of(line_end.join(["tweet,hate_speech", "one,0", "two,1"]))) == [(2, "one"), (3, "two")]


def test_a_byte_order_mark_is_no_part_of_the_first_column(rows_of: RowsOf) -> None:
    assert rows_of(b"\xef\xbb\xbf" + HEADER + b"hello,0\n") == [Row(2, "hello", NO)]


def test_tab_separated(rows_of: RowsOf) -> None:
    assert rows_of("tweet\thate_speech\none, two\t1\n", "corpus.tsv") == [Row(2, "one, two", YES)]


@pytest.mark.parametrize("name", ["corpus.csv.gz", "my.corpus.v1.csv.gz"])
def test_compressed(rows_of: RowsOf, name: str) -> None:
    assert rows_of(gzip.compress(HEADER + b"hello,0\n"), name) == [Row(2, "hello", NO)]


def test_the_ending_may_be_in_capitals(rows_of: RowsOf) -> None:
    assert rows_of(HEADER + b"hello,0\n", "CORPUS.CSV") == [Row(2, "hello", NO)]


COMPRESSED = gzip.compress(HEADER + b"".join(b"hello number %d,0\n" % number for number in range(1_000)))


@pytest.mark.parametrize(
    "content",
    [b"", b"not compressed", COMPRESSED[:-10], COMPRESSED[:100], COMPRESSED[:50] + bytes(20) + COMPRESSED[70:]],
    ids=["empty", "plain", "cut at the end", "cut early", "altered"],
)
def test_a_damaged_compressed_file_is_refused(rows_of: RowsOf, content: bytes) -> None:
    with pytest.raises(CorpusError):
        rows_of(content, "corpus.csv.gz")


@pytest.mark.parametrize("name", ["corpus.xlsx", "corpus", "corpus.gz", "corpus.txt", "corpus.json"])
def test_another_ending_is_refused(rows_of: RowsOf, name: str) -> None:
    with pytest.raises(CorpusError, match=r"neither in \.csv, \.tsv nor \.jsonl"):
        rows_of(HEADER, name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="No such file"):
        list(read(MINE, tmp_path / "nosuch.csv"))


def test_an_empty_file_is_refused(rows_of: RowsOf) -> None:
    with pytest.raises(CorpusError, match="empty"):
        rows_of("")


def test_a_missing_text_column_is_refused_with_the_columns_that_there_are(rows_of: RowsOf) -> None:
    with pytest.raises(CorpusError, match="no column tweet; the columns are text, hate_speech"):
        rows_of("text,hate_speech\nhello,0\n")


def test_a_missing_class_column_is_refused(rows_of: RowsOf) -> None:
    with pytest.raises(CorpusError, match="no column class"):
        rows_of("tweet,klass\nhello,0\n", corpus=CORPORA["davidson2017"])


def test_a_missing_label_column_is_refused(rows_of: RowsOf) -> None:
    with pytest.raises(CorpusError, match="column hate_speech; the columns are tweet, hate"):
        rows_of("tweet,hate\nhello,0\n")


def test_one_mistyped_label_column_of_two_is_refused(rows_of: RowsOf) -> None:
    corpus = own("mine", text_column="tweet", label_columns={"hate_speech": "hate", "threat": "thraet"})

    with pytest.raises(CorpusError, match="thraet"):
        rows_of("tweet,hate,threat\nhello,0,1\n", corpus=corpus)


# JSON lines


def test_json_lines(rows_of: RowsOf) -> None:
    lines = [
        {"tweet": "one", "hate_speech": True},
        {"tweet": "two\nlines", "hate_speech": 0},
        {"hate_speech": "1", "tweet": "three", "more": {"x": []}},
    ]

    rows = rows_of("\n\n".join(map(json.dumps, lines)), "corpus.jsonl")

    assert rows == [Row(1, "one", YES), Row(3, "two\nlines", NO), Row(5, "three", YES)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{bad", "not valid JSON"),
        ('{"tweet": "cut', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"tweet": "hello", "hate_speech": %s}' % ("9" * 5_000), "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"hate_speech": 1}', "no word"),
        ('{"tweet": null, "hate_speech": 1}', "no word"),
        ('{"tweet": "hello"}', "no label"),
        ('{"tweet": "hello", "hate_speech": null}', "no label"),
        ('{"tweet": "hello", "hate_speech": 2}', "not 0, 1"),
        ('{"tweet": "hello", "hate_speech": NaN}', "not 0, 1"),
        ('{"tweet": "hello", "hate_speech": [1]}', "not 0, 1"),
        ('{"tweet": "hello \\ud83d", "hate_speech": 1}', "UTF-8"),
        ('{"tweet": "hello \\u0000", "hate_speech": 1}', "NUL"),
    ],
)
def test_a_malformed_json_line_is_rejected_and_the_rest_is_kept(rows_of: RowsOf, line: str, reason: str) -> None:
    rows = rows_of(f'{line}\n{{"tweet": "good", "hate_speech": 0}}\n', "corpus.jsonl")

    assert reason in rejected(rows)[1]
    assert accepted(rows) == [(2, "good")]


@given(st.binary(max_size=300))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.tsv", "any.jsonl"):
        path = folder / name
        path.write_bytes(HEADER.replace(b",", b"\t") * (name == "any.tsv") + HEADER * (name == "any.csv") + content)
        assert all(isinstance(row, Record) for row in read(MINE, path))


def test_a_reason_names_no_whole_cell(rows_of: RowsOf) -> None:
    [row] = rows_of("tweet,hate_speech\nhello," + "x" * 100_000 + "\n")

    assert isinstance(row, Rejected)
    assert len(row.reason) < 1_000


# Downloads

CONTENT = HEADER + b"".join(b"hello number %d,0\n" % number for number in range(20_000))
REMOTE = replace(MINE, sha256=hashlib.sha256(CONTENT).hexdigest())


class Home(BaseHTTPRequestHandler):
    """A corpus's public home, on its good and bad days."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/corpus.csv")
            self.end_headers()
            return
        if self.path in ("/404", "/500"):
            self.send_error(int(self.path[1:]))
            return
        if self.path == "/garbage":
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            return
        if self.path == "/hangs-up":
            return
        self.send_response(200)
        if self.path == "/cut-chunk":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n" % len(CONTENT) + CONTENT[: len(CONTENT) // 2])
            return
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write({"/corpus.csv": CONTENT, "/cut": CONTENT[:-100_000]}.get(self.path, CONTENT[::-1]))

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(Home, "asked", [], raising=False)
    with Server(("127.0.0.1", 0), Home) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("path", ["/corpus.csv", "/moved"])
def test_a_corpus_is_downloaded(home: Server, tmp_path: Path, path: str) -> None:
    found = download(replace(REMOTE, url=home.url(path)), tmp_path / "new" / "folder")

    assert found.read_bytes() == CONTENT
    assert files(found.parent) == [found.name]
    assert len(list(read(MINE, found))) == 20_000


def test_a_mirror_may_be_named(home: Server, tmp_path: Path) -> None:
    corpus = replace(REMOTE, url=home.url("/404"))

    assert download(corpus, tmp_path, url=home.url("/corpus.csv")).read_bytes() == CONTENT


def test_it_is_fetched_once(home: Server, tmp_path: Path) -> None:
    corpus = replace(REMOTE, url=home.url("/corpus.csv"))

    assert download(corpus, tmp_path) == download(corpus, tmp_path)
    assert Home.asked == ["/corpus.csv"]


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"x"])
def test_a_kept_file_that_was_altered_is_fetched_again(home: Server, tmp_path: Path, content: bytes) -> None:
    corpus = replace(REMOTE, url=home.url("/corpus.csv"))
    download(corpus, tmp_path).write_bytes(content)

    assert download(corpus, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["/other", "/cut", "/cut-chunk", "/404", "/500", "/garbage", "/hangs-up"])
def test_a_download_that_fails_is_refused_and_leaves_nothing(home: Server, tmp_path: Path, path: str) -> None:
    with pytest.raises(CorpusError, match=home.url(path)):
        download(replace(REMOTE, url=home.url(path)), tmp_path)

    assert files(tmp_path) == []


def test_another_file_is_refused_with_both_hashes(home: Server, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as refused:
        download(replace(REMOTE, url=home.url("/other")), tmp_path)

    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in str(refused.value)
    assert REMOTE.sha256 in str(refused.value)


@pytest.mark.parametrize(
    "url", ["corpus.csv", "nosuch://example.com/x", "http://", "http://127.0.0.1:1/x", "http://[::1"]
)
def test_an_address_that_leads_nowhere_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(CorpusError):
        download(REMOTE, tmp_path, url=url)


@pytest.mark.parametrize("corpus", [MINE, CORPORA["hatexplain"]], ids=lambda corpus: corpus.name)
@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1/x"])
def test_a_corpus_without_a_home_must_be_given_as_a_file(tmp_path: Path, corpus: Corpus, url: str) -> None:
    with pytest.raises(CorpusError, match=f"{corpus.name} .* --path"):
        download(corpus, tmp_path, url=url)
