"""Neutral words that name groups of people. A slur says more than who is meant; `word_classes` lists those."""

#: Group -> the words that name it, as `text.tokenize` gives them, for figures by group. A word may have another sense
#: ("white", "straight"), and a group is often meant where none of its words stands; so a group's tweets are a sample
#: of those about it.
GROUPS: dict[str, frozenset[str]] = {
    group: frozenset(words.split())
    for group, words in {
        "women": "woman women women's woman's female females girl girls feminist feminists",
        "men": "man men men's man's male males boy boys",
        "gay": "gay gays homosexual homosexuals queer queers",
        "lesbian": "lesbian lesbians",
        "trans": "trans transgender transgenders transsexual transsexuals nonbinary",
        "Black": "black blacks african africans",
        "white": "white whites caucasian caucasians",
        "Asian": "asian asians chinese japanese korean koreans vietnamese filipino filipinos",
        "Latino": "latino latinos latina latinas latinx hispanic hispanics mexican mexicans",
        "Jewish": "jew jews jewish judaism",
        "Muslim": "muslim muslims moslem moslems islam islamic",
        "Christian": "christian christians christianity catholic catholics",
        "immigrant": "immigrant immigrants migrant migrants refugee refugees foreigner foreigners",
        "disabled": "disabled disability disabilities autistic autism wheelchair deaf blind",
    }.items()
}

# Only in the figures. As members of the class they would make other features, and so another `FEATURES_VERSION`.
_NOT_SEEN = {"woman's", "women's", "man's", "men's"}
_OTHERS = """
israeli israelis zionist zionists islamist islamists protestant protestants evangelical evangelicals mormon mormons
amish hindu hindus sikh sikhs buddhist buddhists atheist atheists pagan pagans biracial aboriginal aborigine
aborigines indigenous inuit maori arab arabs turk turks turkish kurd kurds kurdish persian persians iranian iranians
iraqi iraqis syrian syrians afghan afghans pakistani pakistanis indian indians bangladeshi bangladeshis bengali tamil
tamils palestinian palestinians lebanese saudi saudis egyptian egyptians moroccan moroccans algerian algerians
tunisian somali somalis nigerian nigerians ghanaian ghanaians ethiopian ethiopians eritrean eritreans sudanese
congolese kenyan kenyans zulu cuban cubans haitian haitians dominican dominicans brazilian brazilians colombian
colombians venezuelan venezuelans guatemalan jamaican jamaicans thai indonesian indonesians mongolian mongolians
rohingya polish romanian romanians bulgarian bulgarians albanian albanians serb serbs bosnian bosnians croatian
russian russians ukrainian ukrainians hungarian hungarians lithuanian lithuanians greek greeks italian italians
spanish spaniard spaniards portuguese dutch scottish scots welsh roma romani gypsy gypsies illegals expat expats
asylum lady ladies wife wives mother mothers homosexuality bisexual bisexuals transgendered transvestite lgbt lgbtq
lgbtqia enby intersex asexual handicapped paraplegic amputee amputees dwarf dwarfs dwarves schizophrenic
schizophrenics bipolar epileptic dyslexic aspergers elderly pensioner pensioners boomer boomers teenager teenagers
millennial millennials zoomer zoomers dalit dalits brahmin brahmins caste yemeni yemenis omani jordanian jordanians
kuwaiti qatari emirati bahraini libyan libyans tunisians rwandan rwandans hutu hutus tutsi tutsis yoruba igbo hausa
fulani masai maasai ashanti senegalese gambian gambians ugandan ugandans tanzanian tanzanians zambian zambians
zimbabwean zimbabweans malawian angolan angolans mozambican namibian botswanan cameroonian cameroonians ivorian
ivorians malian malians togolese beninese liberian liberians guinean guineans chadian burundian mauritian malagasy
berber berbers tuareg amazigh copt copts coptic maronite maronites druze alawite alawites yazidi yazidis yezidi
yezidis shia shias shiite shiites sunni sunnis ahmadi ahmadis ahmadiyya sufi sufis wahhabi wahhabis salafi salafis
jain jains jainism zoroastrian zoroastrians parsi parsis bahai taoist taoists shinto rastafarian rastafarians rasta
rastas wiccan wiccans satanist satanists hasidic chassidic haredi haredim sephardic ashkenazi rabbi rabbis imam imams
hindutva hinduism sikhism buddhism jehovah's scientologist scientologists quaker quakers baptist baptists methodist
methodists lutheran calvinist anglican anglicans presbyterian pentecostal pentecostals agnostic agnostics heathen
heathens infidel infidels atheism nepali nepalis nepalese bhutanese sinhalese punjabi punjabis gujarati gujaratis
marathi bihari biharis kashmiri kashmiris malayali telugu rajput rajputs burmese cambodian cambodians khmer laotian
laotians hmong malay malays malaysian malaysians singaporean singaporeans javanese balinese taiwanese uyghur uyghurs
uighur uighurs tibetan tibetans hongkonger kazakh kazakhs uzbek uzbeks tajik tajiks turkmen kyrgyz mongol mongols
hazara hazaras pashtun pashtuns baloch balochi afghanis ainu burakumin okinawan okinawans samoan samoans tongan
tongans fijian fijians hawaiian hawaiians polynesian polynesians melanesian papuan papuans islander islanders sami
saami eskimo eskimos metis mestizo mestizos navajo cherokee apache sioux lakota ojibwe mohawk estonian estonians
latvian latvians finnish finns swede swedes swedish norwegian norwegians danish icelandic icelanders irish irishman
irishmen english englishman brit brits briton britons british scot scotsman welshman french frenchman frenchmen german
germans austrian austrians swiss belgian belgians flemish walloon luxembourgish dutchman czech czechs slovak slovaks
slovene slovenes slovenian slovenians macedonian macedonians montenegrin kosovar kosovars moldovan moldovans
belarusian belarusians georgian georgians armenian armenians azeri azeris azerbaijani chechen chechens tatar tatars
ossetian circassian cossack cossacks slav slavs slavic balkan basque basques catalan catalans maltese cypriot cypriots
argentine argentinian argentinians bolivian bolivians chilean chileans peruvian peruvians ecuadorian ecuadorians
paraguayan uruguayan nicaraguan nicaraguans honduran hondurans salvadoran salvadorans guatemalans panamanian
puertorican trinidadian barbadian bahamian guyanese surinamese belizean chicano chicanos american americans canadian
canadians australian australians aussies traveller travellers traveler travelers romany sinti romanies settler
settlers pansexual pansexuals genderqueer genderfluid agender transwoman transwomen transman transmen transgenderism
cis cisgender hermaphrodite hermaphrodites wheelchairs paralysed paralyzed quadriplegic tetraplegic dyslexia adhd
autists autist aspie tourette's tourettes stutterer stutterers albino albinos albinism leper lepers hiv aids diabetic
diabetics epilepsy dementia alzheimer's schizophrenia obese obesity fat overweight deafblind limbless prosthetic
handicap dwarfism mum mums mom moms housewife housewives widow widows grandma grandmas grandmother grandmothers
girlfriend girlfriends father fathers husband husbands dad dads oap oaps elders toddler toddlers teen teens homeless
beggar beggars halfcaste interracial multiracial coloured colored africa caribbean caribbeans
"""

#: Those that a model sees as members of one class, `word_classes.GROUP`.
TERMS = frozenset(_OTHERS.split()).union(*GROUPS.values()) - _NOT_SEEN
