"""Labelled corpora: where each comes from, and what its labels mean in ours.

A corpus is read row by row. A malformed row is reported with its line number and rejected; the rest is kept."""

from collections.abc import Mapping

from hate_speech_ai.corpora.corpus import _NAME, Corpus, CorpusError, Labels
from hate_speech_ai.labels import HATE_SPEECH, LABELS, is_label_name

# What annotators said. Hate speech is toxic and the harmless is no hate speech; but who was asked about hate speech
# only did not call the rest harmless, and who was asked about offence only did not call it hate speech.
_HATEFUL: Labels = {"hate_speech": True, "toxic": True}
_NOT_HATEFUL: Labels = {"hate_speech": False}
_OFFENSIVE: Labels = {"hate_speech": False, "toxic": True}
_TOXIC: Labels = {"toxic": True}
_HARMLESS: Labels = {"hate_speech": False, "toxic": False}
STARTER = Corpus(
    "starter",
    "tweet",
    label_columns={label: label for label in LABELS},
    licence="as this project",
    source="data/train.csv, written for this project",
)
CORPORA = {
    corpus.name: corpus
    for corpus in (
        STARTER,
        Corpus(
            "davidson2017",
            "tweet",
            meanings={
                "class": {
                    "0": _HATEFUL,
                    "1": _OFFENSIVE,
                    "2": _HARMLESS,
                }
            },
            files=("labeled_data.csv",),
            url="https://raw.githubusercontent.com/t-davidson/hate-speech-and-offensive-language/"
            "cb50f7e9eb855a99abc51423bf40df0e26d6fe30/data/labeled_data.csv",
            sha256="fcb8bc7c68120ae4af04a5b9acd58585513ede11e1548ebf36a5c2040b6f6281",
            licence="MIT",
            source="Davidson, Warmsley, Macy, Weber (ICWSM 2017)",
        ),
        Corpus(
            "twitter_hate_av",
            "tweet",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            files=("train.csv",),
            url="https://raw.githubusercontent.com/netGed/WebScience24/b797937707709810f44420bf146c64e0699d5153/"
            "src/1.%20Explorative%20Analysis%20%26%20Preprocessing/nasiba/data/train.csv",
            sha256="4f1bfabc2908029734fb2acd34028a8dfd1b92098bddfe60b0f0836c964e26ab",
            licence="none stated: for study and evaluation",
            source="Analytics Vidhya practice problem, racist or sexist tweets",
        ),
        Corpus(
            "hatexplain",
            "text",
            meanings={
                "label": {"hatespeech": _HATEFUL, "offensive": _OFFENSIVE, "normal": _HARMLESS, "undecided": None}
            },
            part_column="split",
            files=("hatexplain.csv",),
            licence="MIT",
            weight=1.75,  # three annotators each, and the only one that tells hate from mere offence on two platforms
            source="Mathew, Saha, Yimam, Biemann, Goyal, Mukherjee (AAAI 2021)",
        ),
        Corpus(
            "jigsaw_toxic_sample",
            "comment_text",
            label_columns={HATE_SPEECH: "identity_hate", **{label: label for label in LABELS if label != HATE_SPEECH}},
            files=("train_natural.csv.gz", "train_enriched.csv.gz", "train_head20k_toxic_only.csv.gz"),
            unlike={
                "train_head20k_toxic_only.csv.gz": Corpus(
                    "jigsaw_toxic_sample", "comment_text", meanings={"toxic": {"0": _HARMLESS, "1": _TOXIC}}
                )
            },
            licence="CC0 for the labels, CC BY-SA 3.0 for the comments",
            source="samples of the Jigsaw Toxic Comment Classification Challenge (Kaggle 2018)",
            base_rate=0.009,  # identity_hate in train_natural
        ),
        Corpus(
            "cad",
            "text",
            meanings={
                "labels": {
                    "Neutral": _HARMLESS,
                    "CounterSpeech": _HARMLESS,
                    "IdentityDirectedAbuse": _HATEFUL,
                    "AffiliationDirectedAbuse": _OFFENSIVE,
                    "PersonDirectedAbuse": _OFFENSIVE,
                }
            },
            separator=",",
            line_break="[linebreak]",
            quoted=False,
            files=("cad_v1_1_train.tsv", "cad_v1_1_dev.tsv"),
            licence="as stated at Zenodo, record 4881008",
            source="Vidgen, Nguyen, Margetts, Rossini, Tromble (NAACL 2021)",
            base_rate=0.1,
        ),
        Corpus(
            "measuring_hate_speech",
            "text",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            part_column="part",
            files=("measuring_hate_speech_binary.csv",),
            licence="CC BY 4.0",
            source="Kennedy, Bacon, Sahn, von Vacano (2020); balanced by Röttger, Nozza, Bianchi, Hovy (EMNLP 2022)",
        ),
        Corpus(
            "hateval2019_en",
            "text",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            files=("train.csv", "val.csv"),
            licence="that of SemEval 2019 task 5 and Twitter's terms: for study and evaluation",
            source="Basile et al. (SemEval 2019), as packaged by TweetEval",
        ),
        Corpus(
            "olid",
            "tweet",
            meanings={"subtask_a": {"OFF": _TOXIC, "NOT": _HARMLESS}},
            quoted=False,
            files=("olid-training-v1.0.tsv",),
            licence="none stated: for study and evaluation",
            source="Zampieri, Malmasi, Nakov, Rosenthal, Farra, Kumar (NAACL 2019)",
        ),
        Corpus(
            "stormfront",
            "text",
            meanings={"label": {"hate": _HATEFUL, "noHate": _NOT_HATEFUL, "relation": None, "idk/skip": None}},
            part_column="sampled",
            files=("stormfront.csv",),
            licence="CC BY-SA 3.0 ES",
            source="de Gibert, Perez, García-Pablos, Cuadros (ALW 2018)",
        ),
        Corpus(
            "gab_hate_corpus",
            "text",
            meanings={"hate": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            part_column="part",
            files=("ghc_dev_test.csv",),
            licence="as stated at osf.io/edua3; MIT for the repository with the files",
            source="Kennedy et al. (Language Resources and Evaluation 2022), development and test parts",
            base_rate=0.095,
        ),
        Corpus(
            "dynahate",
            "text",
            meanings={"label": {"0": _NOT_HATEFUL, "1": _HATEFUL}},
            part_column="split",
            files=("dynahate_train_dev.csv.gz",),
            licence="none stated with the files; the paper that published them is CC BY 4.0",
            source="Vidgen, Thrush, Waseem, Kiela (ACL 2021), training and development parts",
        ),
        Corpus(
            "wiki_context_toxicity",
            "text",
            meanings={"label": {"0": _HARMLESS, "1": _TOXIC}},
            files=("gc.csv", "gn.csv"),
            licence="Apache-2.0 for the labels, CC BY-SA 3.0 for the comments",
            source="Pavlopoulos, Sorensen, Dixon, Thain, Androutsopoulos (ACL 2020)",
        ),
    )
}


def own(name: str, *, text_column: str, label_columns: Mapping[str, str], licence: str = "") -> Corpus:
    """Return a corpus that is not in the table, for a file of one's own.

    Raises:
        CorpusError: its name is taken, or a label has an impossible name.
    """
    if name in CORPORA:
        raise CorpusError(
            f"{name} has a mapping of its own; leave --text-column and --label out, or choose another name"
        )
    if not _NAME.fullmatch(name):
        raise CorpusError(
            f"{name[:80]!r} cannot name a corpus: use 1 to 60 letters, digits, dots, dashes and underscores"
        )
    for label in label_columns:
        if not is_label_name(label):
            raise CorpusError(f"{label!r} cannot name a label: use 1 to 40 lower-case letters, digits and underscores")
    return Corpus(name, text_column, label_columns=label_columns or {HATE_SPEECH: HATE_SPEECH}, licence=licence)
