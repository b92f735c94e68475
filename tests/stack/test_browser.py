"""The pages in a real browser, against the real processes. Without Chromium, these are skipped."""

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.harness import ROOT, Stack, wait_for

playwright = pytest.importorskip("playwright.sync_api", reason="there is no playwright")
pytestmark = pytest.mark.stack
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = ROOT / "tests" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = [({"width": 1280, "height": 800}, "light"), ({"width": 390, "height": 700}, "dark")]
WORDS = ("new", "old", "loud", "quiet", "rich", "poor", "tall", "short", "young", "busy")
PLACES = ("river", "bakery", "station", "school", "bridge", "market", "harbour", "library", "stadium", "garden")
TWEETS = [f"those {word} people near the {place} are all the same" for word in WORDS for place in PLACES]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with Stack(
        tmp_path_factory.mktemp("browser"), WEB_PROCESSES="1", PREDICTION_SAMPLE_RATE="1", RANDOM_SAMPLE_SHARE="1"
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def browser(stack: Stack) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        arguments = ["--disable-gpu", "--disable-background-networking"]
        arguments += ["--no-sandbox"] if os.getuid() == 0 else []  # which root has not
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(params=SIZES, ids=["wide, light", "narrow, dark"])
def size(request: Any) -> Any:
    return request.param


class Tab:
    """A page, and what went wrong in it: errors of scripts, violations of the policy, requests that failed."""

    def __init__(self, browser: Any, stack: Stack, size: Any = SIZES[0]) -> None:
        viewport, scheme = size
        self.context = browser.new_context(viewport=viewport, color_scheme=scheme, base_url=stack.url)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.wrong: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _listen(self, said: Any) -> None:
        if said.type == "error":
            self.wrong.append(said.text)

    def check(self) -> None:
        """Nothing went wrong, nothing is cut off, and axe finds nothing serious."""
        assert self.wrong == []
        assert self.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if AXE.exists():
            self.page.evaluate(AXE.read_text(encoding="utf-8"))  # not as an element, which the policy forbids
            found = self.page.evaluate("axe.run().then(done => done.violations)")
            serious = [one for one in found if one["impact"] in ("serious", "critical")]
            assert not serious, [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious]


@pytest.fixture
def tab(browser: Any, stack: Stack, size: Any) -> Iterator[Tab]:
    tab = Tab(browser, stack, size)
    yield tab
    tab.context.close()


def sign_in(tab: Tab, stack: Stack) -> None:
    """As the operator, with the password that the first start printed, by keyboard."""
    found = re.search(r"sign in at (\S+) as (\S+) with the password (\S+),", stack.output)
    assert found
    tab.page.goto("/sign-in")
    tab.page.keyboard.type(found[2])
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.type(found[3])
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("text=Sign out")


def test_a_visitor_types_and_the_answer_appears(tab: Tab) -> None:
    tab.page.goto("/")
    tab.page.keyboard.type("these 1mmigr4nts are v3rmin")

    tab.page.wait_for_selector(".decision .yes")
    tab.page.wait_for_selector("text=The model reads v3rmin as vermin")
    tab.page.click("summary >> text=Numbers")
    tab.check()
    tab.page.click("button >> text=have a lovely day")
    tab.page.wait_for_selector(".decision .no")
    tab.check()


def test_the_pages_of_an_operator(tab: Tab, stack: Stack) -> None:
    sign_in(tab, stack)
    paths = [link.get_attribute("href") for link in tab.page.query_selector_all("nav a")]

    assert len(paths) >= 2
    for path in [*paths, "/password", "/review/mine"]:
        tab.page.goto(path)
        assert tab.page.query_selector("h1"), path
        tab.check()


def test_a_hundred_tweets_are_reviewed_by_keyboard_while_the_web_server_is_killed(browser: Any, stack: Stack) -> None:
    for tweet in TWEETS:
        assert stack.post("/predict", {"tweet": tweet}, with_key=False).status == 200
    tab = Tab(browser, stack)
    sign_in(tab, stack)
    wait_for("the queue", lambda: _has_item(tab))

    answered = 0  # control items, which look like any other, come in between
    while found := tab.page.query_selector("[name=item]"):
        item = found.get_attribute("value")
        if answered == len(TWEETS) // 2:
            stack.running("web").kill()
        tab.page.keyboard.press("yn"[answered % 2])
        tab.page.wait_for_function("item => document.querySelector('[name=item]')?.value !== item", arg=item)
        answered += 1

    tab.page.wait_for_selector("text=Nothing to review")
    reviews = [one["tweet"] for page in _pages(stack, "/reviewed-tweets?limit=100") for one in page]
    assert sorted(tweet for tweet in reviews if tweet in TWEETS) == sorted(TWEETS)
    tab.page.goto("/review/mine")
    assert tab.page.locator("article").count() > 10
    blur = "getComputedStyle(document.querySelector('article .tweet')).filter"
    assert "blur" in tab.page.evaluate(blur)
    tab.page.keyboard.press("r")
    tab.page.reload()
    assert tab.page.evaluate(blur) == "none"
    tab.context.close()


def _pages(stack: Stack, path: str | None) -> Iterator[list[dict[str, Any]]]:
    while path:
        body = stack.get(path).body
        yield body["results"]
        path = body["next"] and "/" + body["next"].split("/", 3)[3]


def _has_item(tab: Tab) -> bool:
    tab.page.goto("/review")
    return tab.page.query_selector("[name=item]") is not None


def test_an_operator_trains_and_promotes(browser: Any, stack: Stack) -> None:
    """By keyboard: a run is followed to its end, its version looked at, and promoted with a reason."""
    assert stack.review("my street has nine lime trees").status == 201
    tab = Tab(browser, stack)
    sign_in(tab, stack)
    tab.page.goto("/versions")
    press(tab, "button >> text=Train now")
    tab.page.wait_for_selector("progress")
    tab.check()
    tab.page.wait_for_function("() => !document.querySelector('#run-list [hx-get]')")

    press(tab, "td a[href^='/versions/']")
    tab.page.wait_for_selector("text=The gate")
    tab.page.wait_for_selector(".u-wrap")
    path = tab.page.url
    press(tab, "text=Words that gained and lost against")
    tab.page.wait_for_selector("figure >> text=Words that gained and lost")
    tab.check()
    narrow = Tab(browser, stack, SIZES[1])
    sign_in(narrow, stack)
    for one in ("/versions", path, f"{path}/promote"):
        narrow.page.goto(one)
        narrow.check()
    narrow.context.close()

    press(tab, "a.button >> text=Promote")
    tab.page.wait_for_selector("h1 >> text=Promote version")
    tab.check()
    tab.page.keyboard.type("it was looked at")  # the field has the focus
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("text=serves now.")
    tab.check()
    assert stack.get("/models?limit=1").body["results"][0]["promotions"][-1]["reason"] == "it was looked at"
    tab.context.close()


def press(tab: Tab, what: str) -> None:
    """Press a link or a button by the keyboard."""
    tab.page.locator(what).first.press("Enter")
