"""Words in classes: what a word does in a sentence, whichever word it is.

> Content warning: some lists are of slurs and of words of contempt. Software that cannot recognise them cannot find
> them.

A model sees each of these words twice: as itself, and as a member of its class. So what it learns about "we should
deport <group>" holds for groups that no training tweet mentioned in that phrase, and a neutral mention of one group
speaks for all. The lists say nothing about whether a tweet is hate speech; that is learned. Slurs with an everyday
meaning of their own ("cracker", "chink") are left out: their class would be wrong as often as right.
"""

from hate_speech_ai.text.identity_terms import TERMS

GROUP = "<group>"
SLUR = "<slur>"

_SLURS = """
nigger niggers nigga niggas niggaz nigguh niglet niglets negro negroes darkie darkies darky jigaboo jiggaboo
porchmonkey wog wogs spic spics wetback wetbacks beaner beaners gringo gringos gook gooks zipperhead zipperheads paki
pakis kike kikes yid yids hymie heeb raghead ragheads towelhead towelheads mudslime mudslimes muzzie muzzies muzzrat
muzzrats muzrat muzrats kaffir kaffirs kafir kafirs sandnigger sandniggers dothead gyppo gyppos gippo pikey pikeys
polack polacks boong honky honkies honkey whitey chav chavs goyim shiksa fag fags faggot faggots fagot fagots faggy
fagget faggets homos poofter poofters lesbo lesbos lezzie lezzies tranny trannies trannys shemale shemales ladyboy
ladyboys heshe sodomite sodomites bitch bitches bitchy biatch bitchass cunt cunts whore whores slut sluts slutty thot
thots thottie skank skanks skanky twat twats femoid femoids foid foids roastie roasties feminazi feminazis retard
retards retarded spastic spastics mongoloid mongoloids cripple cripples midget midgets tard tards libtard libtards
schizo
"""

# What is said about a group: words that make animals or dirt of people, violence, exclusion, crime and contempt; and
# what turns it round: who speaks, that somebody reports what was said, and negation.
_ROLES = {
    "<animal>": """
ape apes monkey monkeys rat rats vermin cockroach cockroaches roach roaches pig pigs swine dog dogs mongrel mongrels
mutt mutts parasite parasites leech leeches tick ticks lice louse maggot maggots insect insects locust locusts animal
animals beast beasts snake snakes serpent cattle sheep goat goats donkey donkeys gorilla gorillas chimp chimps baboon
baboons hyena hyenas jackal jackals worm worms plague disease diseases cancer virus viruses infestation filth scum
trash garbage rubbish waste subhuman subhumans savage savages barbarian barbarians creature creatures vultures breed
breeds
""",
    "<violence>": """
kill kills killed killing shoot shot shooting hang hanged hanging lynch lynched lynching burn burned burnt burning gas
gassed gassing stab stabbed beat beaten beating murder murdered slaughter slaughtered exterminate exterminated
extermination eradicate eradicated execute executed drown drowned bomb bombed bombing nuke nuked torch torched rape
raped raping smash smashed crush crushed punch punched kick kicked hunt hunted torture tortured behead beheaded
strangle choke poison poisoned sterilise sterilised sterilize sterilized castrate castrated genocide holocaust oven
ovens wipe wiped cull culled whip whipped stone stoned butcher
""",
    "<exclude>": """
deport deported deporting deportation expel expelled ban banned banning exclude excluded remove removed evict evicted
segregate segregated repatriate out leave outlaw outlawed imprison imprisoned jail jailed cage caged lock locked
sterile keep stop exile banish banished barred forbid forbidden shun quarantine intern send
""",
    "<crime>": """
criminal criminals crime thief thieves steal stealing stole terrorist terrorists terrorism rapist rapists murderer
murderers killer killers paedophile paedophiles pedophile pedophiles pedo pedos groomer groomers fraud scammer
scammers cheat cheats cheating liar liars lie lies rob robbed robbing robbers invader invaders invade invading
invasion traitor traitors drug drugs dealer dealers gang gangs thug thugs looters loot pervert perverts predator
predators molest molester
""",
    "<bad>": """
stupid dumb lazy dirty filthy greedy ugly disgusting smelly stinking stink inferior worthless useless backward
uncivilised uncivilized primitive evil wicked sick perverted mentally retarded weak cowardly violent dangerous
disgrace abomination freak freaks degenerate degenerates immoral sinful unnatural diseased mistake mistakes burden
inbred ignorant brainless idiots idiot moron morons hate despise loathe disgust nasty vile scummy shit crap
gross repulsive pathetic fake fraudulent deceitful sneaky cunning untrustworthy dishonest subservient submissive
emotional hysterical cursed rotten toxic poor
""",
    "<self>": """
i i'm im me my myself mine we we're our us
""",
    "<report>": """
said says say saying told tells called calls calling shouted screamed yelled wrote writes tweeted claimed claims
article report reported reports sign poster word words phrase slur slurs term quote quoted headline graffiti joke
jokes comment comments racist racists racism sexist sexism homophobic homophobia transphobic transphobia bigot bigots
bigotry bigoted xenophobia xenophobic islamophobia antisemitism antisemitic prejudice discrimination stereotype
stereotypes hateful offensive
""",
    "<neg>": """
not no never nobody none cannot can't don't doesn't didn't isn't aren't wasn't weren't won't wouldn't shouldn't
couldn't haven't hasn't without neither nor dont doesnt isnt arent cant wont shouldnt
""",
}

#: Word -> class, of words that name groups of people, and slurs for them.
IDENTITY = {**dict.fromkeys(TERMS, GROUP), **dict.fromkeys(_SLURS.split(), SLUR)}
#: Word -> class, of words that say something about them.
ROLES = {word: role for role, words in _ROLES.items() for word in words.split()}
