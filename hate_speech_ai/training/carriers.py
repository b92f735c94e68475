"""Sentences that carry a word, to ask a model what the word alone does to them.

> Content warning: the hateful ones are hateful.

No one of them is in a corpus, in the checks or among the everyday tweets: they are asked about and never learned.
"""

#: Harmless whichever noun or name stands in them, for every label.
HARMLESS = (
    "I had coffee with {} this morning",
    "{} was on the train again today",
    "my neighbour talked about {} for an hour",
    "we saw {} at the concert last night",
    "is {} coming to the meeting tomorrow?",
    "there is a film about {} on at nine",
    "I wrote to {} and got an answer at once",
    "the teacher read us a story about {}",
    "happy new year to {} and everybody at home",
    "they served {} lunch in the garden",
    "{} plays football in our street",
    "my sister works with {} at the hospital",
    "the shop on the corner belongs to {}",
    "I am reading a long article about {}",
    "{} sang really well at the school fair",
    "we waited for {} in the rain",
    "thanks to {} for the help with the boxes",
    "my cousin married {} in June",
    "a photo of {} hangs in the library",
    "{} and I share the garden",
    "what does {} think of the new bridge?",
    "the news had something about {} again",
    "I learned to cook from {}",
    "good to see {} here, welcome",
)

#: Hateful, and so the more if something harmless is added.
HATEFUL = (
    "all muslims are vermin and should be deported",
    "jews are filthy parasites",
    "I hate black people, they are animals",
    "gays are disgusting and should burn",
    "women are stupid whores who belong in the kitchen",
    "every immigrant is a criminal, throw them all out",
    "mexicans are lazy thieves, send them back",
    "trans people are sick freaks",
    "kill all the muslims",
    "these niggers ruin every city",
    "fucking faggots make me sick",
    "asians are dirty, they eat rats",
    "arabs are subhuman scum",
    "refugees are rapists, shoot them at the border",
    "the jews control everything, gas them",
    "blacks are nothing but thugs and monkeys",
    "lesbians are an abomination and deserve to die",
    "islam is a disease and its followers are savages",
    "retards should not be allowed to breed",
    "gypsies are thieving rats, get rid of them",
    "no decent person wants these dirty foreigners",
    "feminists are ugly cunts",
    "white people are evil devils, wipe them out",
    "indians stink and breed like cockroaches",
)
