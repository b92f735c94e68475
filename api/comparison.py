"""Two versions side by side, on held-out rows of the corpora: the same rows for everybody, out of reviewers' reach."""

from dataclasses import asdict
from typing import Any

from api.active_model import ActiveModel
from api.models import ReviewedTweet
from hate_speech_ai.comparison import ScoreMap, changed_words
from hate_speech_ai.labels import HATE_SPEECH

_ROWS = 1_000
_EXAMPLES = 20


def compare(old: ActiveModel, new: ActiveModel) -> dict[str, Any]:
    """Figures, scores, decisions and words of `hate_speech` in both versions.

    Each version's figures are those of its own training run; decisions and scores are compared on up to 1,000 rows, in
    the order of their fingerprints, which is as good as random and always the same.
    """
    rows = (
        ReviewedTweet.objects.filter(held_out=True, key=None, labels__has_key=HATE_SPEECH)
        .order_by("fingerprint", "pk")
        .values_list("receipt", "tweet", "labels")[:_ROWS]
    )
    receipts, tweets, labels = zip(*rows, strict=True) if rows else ((), (), ())
    before, after = old.scorer.probabilities(tweets), new.scorer.probabilities(tweets)
    said = [probability >= old.scorer.thresholds[HATE_SPEECH] for probability in before]
    says = [probability >= new.scorer.thresholds[HATE_SPEECH] for probability in after]
    flipped = [place for place in range(len(tweets)) if said[place] != says[place]]
    flipped.sort(key=lambda place: -abs(after[place] - before[place]))
    return {
        "versions": {"old": old.version, "new": new.version},
        "metrics": {"old": old.metrics[HATE_SPEECH], "new": new.metrics[HATE_SPEECH]},
        "rows": len(tweets),
        "flipped": {
            "to_yes": sum(says[place] for place in flipped),
            "to_no": sum(said[place] for place in flipped),
            "for_the_better": sum(says[place] == labels[place][HATE_SPEECH] for place in flipped),
            "examples": [
                {
                    "id": str(receipts[place]),
                    "tweet": tweets[place],
                    "label": labels[place][HATE_SPEECH],
                    "old": before[place],
                    "new": after[place],
                }
                for place in flipped[:_EXAMPLES]
            ],
        },
        "score_map": asdict(ScoreMap.of(before, after)) if tweets else None,
        "changed_words": [asdict(change) for change in changed_words(old.scorer, new.scorer)],
    }
