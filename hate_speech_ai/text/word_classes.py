"""Words in classes: what a word does in a sentence, whichever word it is.

> Content warning: some lists are of slurs and of words of contempt. Software that cannot recognise them cannot find
> them.

A model sees each of these words twice: as itself, and as a member of its class. So what it learns about "we should
deport <group>" holds for groups that no training tweet mentioned in that phrase, and a neutral mention of one group
speaks for all. The lists say nothing about whether a tweet is hate speech; that is learned. Slurs with an everyday
meaning of their own ("cracker", "chink") are left out: their class would be wrong as often as right.
"""

GROUP = "<group>"
SLUR = "<slur>"

_GROUPS = """
jew jews jewish israeli israelis zionist zionists muslim muslims moslem moslems islam islamic islamist islamists
christian christians catholic catholics protestant protestants evangelical evangelicals mormon mormons amish hindu
hindus sikh sikhs buddhist buddhists atheist atheists pagan pagans black blacks white whites asian asians african
africans caucasian caucasians latino latinos latina latinas latinx hispanic hispanics biracial aboriginal aborigine
aborigines indigenous inuit maori arab arabs turk turks turkish kurd kurds kurdish persian persians iranian iranians
iraqi iraqis syrian syrians afghan afghans pakistani pakistanis indian indians bangladeshi bangladeshis bengali tamil
tamils palestinian palestinians lebanese saudi saudis egyptian egyptians moroccan moroccans algerian algerians
tunisian somali somalis nigerian nigerians ghanaian ghanaians ethiopian ethiopians eritrean eritreans sudanese
congolese kenyan kenyans zulu mexican mexicans cuban cubans haitian haitians dominican dominicans brazilian brazilians
colombian colombians venezuelan venezuelans guatemalan jamaican jamaicans chinese japanese korean koreans vietnamese
thai filipino filipinos indonesian indonesians mongolian mongolians rohingya polish romanian romanians bulgarian
bulgarians albanian albanians serb serbs bosnian bosnians croatian russian russians ukrainian ukrainians hungarian
hungarians lithuanian lithuanians greek greeks italian italians spanish spaniard spaniards portuguese dutch scottish
scots welsh roma romani gypsy gypsies immigrant immigrants migrant migrants refugee refugees foreigner foreigners
illegals expat expats asylum woman women girl girls female females lady ladies wife wives mother mothers man men male
males boy boys feminist feminists gay gays lesbian lesbians homosexual homosexuals homosexuality bisexual bisexuals
trans transgender transgenders transgendered transsexual transsexuals transvestite lgbt lgbtq lgbtqia nonbinary enby
intersex asexual disabled disability disabilities handicapped autistic autism blind deaf wheelchair paraplegic amputee
amputees dwarf dwarfs dwarves schizophrenic schizophrenics bipolar epileptic dyslexic aspergers elderly pensioner
pensioners boomer boomers teenager teenagers millennial millennials zoomer zoomers dalit dalits brahmin brahmins caste
yemeni yemenis omani jordanian jordanians kuwaiti qatari emirati bahraini libyan libyans tunisians rwandan rwandans
hutu hutus tutsi tutsis yoruba igbo hausa fulani masai maasai ashanti senegalese gambian gambians ugandan ugandans
tanzanian tanzanians zambian zambians zimbabwean zimbabweans malawian angolan angolans mozambican namibian botswanan
cameroonian cameroonians ivorian ivorians malian malians togolese beninese liberian liberians guinean guineans chadian
burundian mauritian malagasy berber berbers tuareg amazigh copt copts coptic maronite maronites druze alawite alawites
yazidi yazidis yezidi yezidis shia shias shiite shiites sunni sunnis ahmadi ahmadis ahmadiyya sufi sufis wahhabi
wahhabis salafi salafis jain jains jainism zoroastrian zoroastrians parsi parsis bahai taoist taoists shinto
rastafarian rastafarians rasta rastas wiccan wiccans satanist satanists hasidic chassidic haredi haredim sephardic
ashkenazi rabbi rabbis imam imams hindutva hinduism sikhism buddhism judaism christianity jehovah's scientologist
scientologists quaker quakers baptist baptists methodist methodists lutheran calvinist anglican anglicans presbyterian
pentecostal pentecostals agnostic agnostics heathen heathens infidel infidels atheism nepali nepalis nepalese
bhutanese sinhalese punjabi punjabis gujarati gujaratis marathi bihari biharis kashmiri kashmiris malayali telugu
rajput rajputs burmese cambodian cambodians khmer laotian laotians hmong malay malays malaysian malaysians singaporean
singaporeans javanese balinese taiwanese uyghur uyghurs uighur uighurs tibetan tibetans hongkonger kazakh kazakhs
uzbek uzbeks tajik tajiks turkmen kyrgyz mongol mongols hazara hazaras pashtun pashtuns baloch balochi afghanis ainu
burakumin okinawan okinawans samoan samoans tongan tongans fijian fijians hawaiian hawaiians polynesian polynesians
melanesian papuan papuans islander islanders sami saami eskimo eskimos metis mestizo mestizos navajo cherokee apache
sioux lakota ojibwe mohawk estonian estonians latvian latvians finnish finns swede swedes swedish norwegian norwegians
danish icelandic icelanders irish irishman irishmen english englishman brit brits briton britons british scot scotsman
welshman french frenchman frenchmen german germans austrian austrians swiss belgian belgians flemish walloon
luxembourgish dutchman czech czechs slovak slovaks slovene slovenes slovenian slovenians macedonian macedonians
montenegrin kosovar kosovars moldovan moldovans belarusian belarusians georgian georgians armenian armenians azeri
azeris azerbaijani chechen chechens tatar tatars ossetian circassian cossack cossacks slav slavs slavic balkan basque
basques catalan catalans maltese cypriot cypriots argentine argentinian argentinians bolivian bolivians chilean
chileans peruvian peruvians ecuadorian ecuadorians paraguayan uruguayan nicaraguan nicaraguans honduran hondurans
salvadoran salvadorans guatemalans panamanian puertorican trinidadian barbadian bahamian guyanese surinamese belizean
chicano chicanos american americans canadian canadians australian australians aussies traveller travellers
traveler travelers romany sinti romanies settler settlers queer queers pansexual pansexuals genderqueer genderfluid
agender transwoman transwomen transman transmen transgenderism cis cisgender hermaphrodite hermaphrodites
wheelchairs paralysed paralyzed quadriplegic tetraplegic dyslexia adhd autists autist aspie tourette's tourettes
stutterer stutterers albino albinos albinism leper lepers hiv aids diabetic diabetics epilepsy dementia alzheimer's
schizophrenia obese obesity fat overweight deafblind limbless prosthetic handicap dwarfism mum mums mom moms housewife
housewives widow widows grandma grandmas grandmother grandmothers girlfriend girlfriends father fathers husband
husbands dad dads oap oaps elders toddler toddlers teen teens homeless beggar beggars halfcaste interracial
multiracial coloured colored africa caribbean caribbeans
"""
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
IDENTITY = {**dict.fromkeys(_GROUPS.split(), GROUP), **dict.fromkeys(_SLURS.split(), SLUR)}
#: Word -> class, of words that say something about them.
ROLES = {word: role for role, words in _ROLES.items() for word in words.split()}
