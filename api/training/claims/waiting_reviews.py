"""How good those reviews are that wait for a person, so that the person has figures to decide by.

Nothing else is done with them, and only so many of each key are looked at: what a stranger sends must not cost more the
more it is.
"""

from collections.abc import Mapping, Sequence

from api.keys.queries import with_reviews
from api.models import ApiKey, ReviewedTweet
from api.training.outcomes import Stored
from hate_speech_ai.annotator_reliability import Reliability, compare
from hate_speech_ai.labels import rounded_answer
from hate_speech_ai.sources import is_corpus

#: The newest of a key.
MOST = 1_000


def reliabilities(
    newest: Mapping[str, Mapping[str, Stored]], trusted: Sequence[str], without: str = ""
) -> dict[str, Reliability]:
    """Compare what waits of each key with what corpora and trusted keys say about the same texts.

    Args:
        newest: of each text, by its fingerprint, what each source says that counts.
        trusted: the sources of trusted keys.
        without: a source that is left out.
    """
    found = {}
    believed = set(trusted)
    for key in with_reviews().filter(trust=ApiKey.Trust.QUARANTINED):
        rows = ReviewedTweet.objects.filter(key=key, untrusted=True, status=ReviewedTweet.Status.QUARANTINED)
        said = []
        for text, labels in rows.order_by("-pk").values_list("fingerprint", "labels")[:MOST]:
            for label, grade in labels.items():
                if (answer := rounded_answer(grade)) is None or key.source == without:
                    continue
                others = {
                    source: theirs
                    for source, row in newest.get(text, {}).items()
                    if source != key.source and (is_corpus(source) or source in believed)
                    if (theirs := rounded_answer(row.labels.get(label, 0.5))) is not None
                }
                if others:
                    said.append({**others, key.source: answer})
        if said:
            found[key.source] = compare(said, trusted)[key.source]
    return found
