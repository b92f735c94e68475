"""Which language a text is in, for all formats."""

import csv
from importlib.util import find_spec

import pytest
from django.conf import settings

from api.prediction import language

needs_detector = pytest.mark.skipif(
    find_spec("pycld2") is None, reason="there is no language detector for this platform"
)

#: What people send, and what was once taken for Danish, Spanish or Kinyarwanda.
SHORT = """
lol ok
no way bro
gg wp
omg same
pls
thx hun
u ok?
lol
lmao dead
brb
ty ty
np m8
wtf
smh
idk tbh
ikr
nvm
yep
nope
yes
sure
k
ok then
cool
banger
mood
vibes
slay queen
based
ratio
L + ratio
no cap fr fr
deadass
yeet
bruh
bruv
oi mate
ta love
ello ello
ello guvnor
ello ello guvnor
Krzyzewski Szczesny Lewandowski
no prob, bby SKYPE MEEEEE
hyeaah. xD no probleem
haha nice one
hahaha
lolololol
aww bless
happy bday sis!!
gn all
gm
good morning
good night
see ya
cya l8r
on my way
wyd
wbu
hbu
hmu
dm me
rip legend
go away
shut up
stfu noob
ez game
carry me pls
nerf him
afk 5 min
report mid
mid diff
int much
git gud
rebase main
npm install
kubectl apply
segfault again
sudo rm -rf
LGTM
ship it
nit: typo
Borat 2 was lame af
Mario Kart
Elon Musk
Messi or Ronaldo?
Angela Merkel
Taylor Swift tour
Siobhan
Manchester United
Beyonce!!
San Diego
El Paso
Los Angeles Lakers
karaoke tonite
gelato time
salsa night
bon voyage
deja vu
hasta la vista baby
sushi date
pho real
Sir David Attenborough
tmrw @ 6
tonite?
sooo tired
nooooo
yesss queen
what a goal
come on england
albinos nope
SMASH EM TONGA
Sinn Fein
Nadal vamos
insane in da brain
dis da one
gimme dat
wat u doin
hola amigo
Ist floor
ur a qt
im dead ded
dat ass
no u
a a a a
die in a fire
das boot
mega lol
""".strip().splitlines()

#: Tweets of 1 to 13 words.
OTHERS = {
    "es": [
        "eres un idiota y no tienes ni idea de lo que hablas",
        "¿Alguien sabe a qué hora sale el tren para Sevilla?",
        "no puedo más con este calor jajaja",
        "Feliz cumpleaños hermano, que lo pases muy bien hoy con la familia 🎂",
        "@pedro_93 vete a tu país, aquí no te queremos",
    ],
    "fr": [
        "tu es vraiment un imbécile, ferme ta gueule",
        "Je suis arrivé en retard ce matin à cause de la grève",
        "mdr t'as vu le match hier soir ? on a trop bien joué",
        "Bonne année à tous, santé et bonheur pour vous et vos proches",
    ],
    "de": [
        "Heute ist das Wetter wirklich wunderschön",
        "Du bist so ein Idiot, halt endlich die Klappe",
        "wann kommt der zug denn endlich",
        "Ich hab keine Lust mehr auf diese Schule #montag",
    ],
    "it": [
        "oggi ho mangiato una pizza buonissima a Napoli",
        "non capisco perché nessuno risponde al telefono",
        "ma che cavolo dici, sei proprio un cretino",
        "Buongiorno a tutti, che bella giornata di sole ☀️",
    ],
    "pt": [
        "não acredito que perdemos esse jogo de novo",
        "vou pegar o ônibus das seis e chego antes do jantar",
        "você é muito burro cara, cala a boca",
        "Bom dia gente, alguém sabe onde fica a farmácia?",
    ],
    "nl": [
        "ik heb vandaag echt geen zin om te werken",
        "wat een mooie dag om te gaan fietsen langs het water",
        "hou je bek, domme idioot",
        "Gefeliciteerd met je verjaardag, maak er een leuke dag van!",
    ],
    "tr": [
        "bugün hava çok güzel, dışarı çıkalım mı",
        "sen tam bir aptalsın, kapa çeneni",
        "Yarın sınavım var ve hiç çalışmadım",
        "Doğum günün kutlu olsun canım arkadaşım",
    ],
    "pl": [
        "jesteś idiotą, zamknij się",
        "Pociąg do Warszawy znowu jest opóźniony o godzinę",
        "nie wiem co dzisiaj ugotować na obiad",
        "wszystkiego najlepszego z okazji urodzin kochana",
    ],
    "ru": [
        "сегодня прекрасная погода",
        "ты полный идиот, закрой рот",
        "привет",
        "Кто знает, когда придёт поезд из Москвы?",
    ],
    "ar": [
        "أنت غبي، اخرس",
        "صباح الخير يا أصدقائي، كيف حالكم اليوم؟",
        "شكرا جزيلا",
        "الجو جميل جدا في هذا الصباح",
    ],
    "zh": [
        "你好",
        "今天天气真好，我们去公园玩吧",
        "你这个白痴，闭嘴",
        "有人知道地铁几点关门吗？",
    ],
    "hi": [
        "तुम बहुत बेवकूफ हो, चुप रहो",
        "आज मौसम बहुत अच्छा है",
        "जन्मदिन की बहुत बहुत शुभकामनाएँ भाई",
        "नमस्ते",
    ],
    "ja": [
        "今日はとてもいい天気ですね",
        "お前は本当にバカだな、黙れ",
        "明日の会議は何時からですか",
        "ありがとう",
    ],
    "id": [
        "selamat pagi semuanya, semoga hari ini menyenangkan",
        "kamu bodoh sekali, diam saja kau",
        "aku tidak tahu kenapa dia marah kepada saya",
        "besok ada ujian matematika dan aku belum belajar",
    ],
}
#: The tweets of `data/everyday.csv` that are not English: nearly all of them are Tagalog.
TAGALOG = {
    *("c-0782", "d-0086", "d-0193", "d-0206", "d-0255", "d-0300", "d-0312", "d-0361", "d-0551", "d-0693", "d-0788"),
    *("d-0953", "d-0992"),
}


def noted(texts: list[str]) -> list[str]:
    return [text for text in texts if language.detect(text) != "en"]


@needs_detector
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eres un idiota y no tienes ni idea de lo que hablas", "es"),
        ("Heute ist das Wetter wirklich wunderschön", "de"),
        ("tu es vraiment un imbécile, ferme ta gueule", "fr"),
        ("Je suis arrivé en retard ce matin à cause de la grève", "fr"),  # "en", "a", "cause" and "de" are English, too
        ("jesteś idiotą, zamknij się", "pl"),
        ("сегодня прекрасная погода", "ru"),
        ("אתה אידיוט, תסתום את הפה", "he"),
        ("今日はとてもいい天気ですね", "ja"),
        ("a\x07 @ann_smith https://example.org/the/weather Heute ist das Wetter wirklich schön &amp; warm", "de"),
    ],
)
def test_another_language_is_named(text: str, expected: str) -> None:
    assert language.detect(text) == expected


@pytest.mark.parametrize(
    "text", ["привет", "你好", "नमस्ते", "أنت غبي، اخرس", "ة" * 5000, "OK 今日はとてもいい天気ですね"]
)
def test_another_script_is_at_least_not_english(text: str) -> None:
    assert language.detect(text) != "en"


@pytest.mark.parametrize(
    "text",
    [
        *("lol", "ayyy lmao smh", "asdf qwer", "boo hoo you", "stinky toad", "BC y'all clowns", "bonjour"),
        *("", "😡😡😡", "!!!", "1234", "a\0b\x07", "@jürgen_müller https://beispiel.de/straße"),
        *("¯\\_(ツ)_/¯", "ಠ_ಠ", "ʕ•ᴥ•ʔ", "sushi 寿司 tonight"),
        "уоu аrе а stuріd іdіоt",  # with Cyrillic letters, and no way around the model
        "𝓲𝓭𝓲𝓸𝓽 ｇｏ ａｗａｙ",
        "you are 🇩🇪 a stupid café owner, señor",
        "Passengers Szczepańska, Katarzyna and Fuchs, Dietlinde to gate B14 please",
    ],
)
def test_in_doubt_it_is_english(text: str) -> None:
    assert language.detect(text) == "en"


def test_short_english_is_english() -> None:
    assert len(SHORT) == len(set(SHORT)) > 100
    assert noted(SHORT) == []


@needs_detector
def test_most_of_what_is_in_another_language_is_noticed() -> None:
    texts = [text for some in OTHERS.values() for text in some]

    assert len(noted(texts)) >= 0.9 * len(texts)


def test_of_everyday_english_next_to_nothing_is_noted() -> None:
    with settings.EVERYDAY.open(encoding="utf-8", newline="") as file:
        tweets = {row["id"]: row["tweet"] for row in csv.DictReader(file)}

    english = [tweet for number, tweet in tweets.items() if number not in TAGALOG]

    assert len(noted(english)) <= len(english) / 1_000, noted(english)


@needs_detector
def test_a_text_is_read_as_far_as_the_models_read_it() -> None:
    german = "Heute ist das Wetter wirklich wunderschön. " * 120

    assert language.detect(german + "the weather is lovely and so are you, my friend. " * 1_000) == "de"


def test_without_a_build_for_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "pycld2", None)

    assert language.detect("Heute ist das Wetter wirklich wunderschön") == "en"
    assert language.detect("сегодня прекрасная погода") is None


def test_the_platforms_without_a_build_are_excepted() -> None:
    requirements = (settings.BASE_DIR / "requirements.txt").read_text(encoding="utf-8")

    [line] = [line for line in requirements.splitlines() if line.startswith("pycld2")]
    assert "platform_machine == 'x86_64'" in line
    assert "python_version < '3.14'" in line
