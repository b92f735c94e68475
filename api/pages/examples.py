"""Sentences to try. They show what the model finds hard, and none is crueller than it must be."""

EXAMPLES = (
    "have a lovely day, everyone",
    "The referee was blind tonight, worst match of the season",
    "I am a proud gay man and I love my city",
    "Women should not be allowed to vote",
    "They are all thieves. Send them back where they came from",
    "Muslims are welcome in our street, come and have tea with us",
    "these 1mmigr4nts are v3rmin",
    "He said that immigrants are vermin, and that is a disgrace",
    "shut up, you idiot",
    "Nobody should be attacked for their religion",
)
