"""Words that name groups of people, and slurs for them.

> Content warning: the second list is of slurs. Software that cannot recognise them cannot find them.

A model sees each of these words twice: as itself, and as a member of its class. So what it learns about "we should
deport <group>" holds for groups that no training tweet mentioned in that phrase, and a neutral mention of one group
speaks for all. The lists say nothing about whether a tweet is hate speech; that is learned. Words with an everyday
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

#: Word -> class.
CLASSES = {**dict.fromkeys(_GROUPS.split(), GROUP), **dict.fromkeys(_SLURS.split(), SLUR)}
