"""Make the pictures of the pages in docs/screenshots/, in both themes, over a story that a stack of its own plays.

It needs Chromium and what the tests need: `make screenshots`. It takes about three minutes.
"""

import csv
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.stack.harness import ROOT, Stack, wait_for

FOLDER = ROOT / "docs" / "screenshots"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_WIDTH, _HEIGHT = 1100, 760
#: Pixels from a page's top: the rest is more of the same.
_TALLEST = 1560
_PREDICTIONS = 700
_DAYS = 14
_SENTENCE = "He said that these 1mmigr4nts are v3rmin, and nobody in the room said a word"


def main() -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("this needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        story: dict[str, Any] = {"WEB_PROCESSES": "1", "PREDICTION_SAMPLE_RATE": "1", "STREAM": "valkey"}
        story |= {"RANDOM_SAMPLE_SHARE": "1", "RATE_LIMIT_PREDICT": "", "RATE_LIMIT_REVIEW": ""}
        story["SMALL_EVERYDAY"] = str(ROOT / "data" / "everyday.csv")  # all: of a few, one would decide about a version
        with Stack(Path(folder), **story) as stack, sync_playwright() as driver:
            play(stack)
            arguments = ["--disable-gpu", *(["--no-sandbox"] if os.getuid() == 0 else [])]
            browser = driver.chromium.launch(executable_path=chromium, args=arguments)
            for theme in THEMES:
                tab = browser.new_page(
                    viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme=theme, base_url=stack.url
                )
                take(tab, stack, theme)
            browser.close()


def play(stack: Stack) -> None:
    """Let people ask about tweets and review some, train twice, and give the stream a past of eight weeks."""
    rows = _rows()
    for part in (rows[:300], rows[300:600]):
        for row in part:
            stack.post("/add-reviewed-tweet", {"tweet": row["tweet"], "is_hate_speech": row["hate_speech"] == "1"})
        stack.finished(stack.train())
    asked = rows[600 : 600 + _PREDICTIONS]
    for row in asked:
        stack.post("/predict", {"tweet": row["tweet"]}, with_key=False)
    answers = {row["tweet"]: row["hate_speech"] == "1" for row in asked}
    wait_for("the queue", lambda: stack.get("/review-queue?limit=1&reason=random_audit").body["items"])
    for person in ("ann", "ben", "cleo", "dan", "eve"):
        for item in stack.get(f"/review-queue?limit=50&reason=random_audit&reviewer={person}").body["items"]:
            body = {"tweet": item["tweet"], "is_hate_speech": answers.get(item["tweet"], False), "reviewer": person}
            stack.post("/add-reviewed-tweet", body)
    done = subprocess.run(
        [sys.executable, "-m", "docs.screenshots", "past"], env=stack.environment, cwd=ROOT, check=False
    )
    assert done.returncode == 0
    wait_for("live figures", lambda: (stack.get("/score").body["production"] or {}).get("audited"))


def add_past() -> None:
    """Spread what is stored over two weeks, and fill eight weeks of the stream's hours; in a process of the stack's."""
    import django

    django.setup()
    from django.utils import timezone

    from api.analytics import watching
    from api.models import Promotion, StoredPrediction, StreamHour
    from tests.helpers import synthetic

    chance, now = random.Random(4), timezone.now()
    rows = list(StoredPrediction.objects.all())
    for row in rows:
        row.last_seen = now - timedelta(days=_DAYS * chance.random())
    StoredPrediction.objects.bulk_update(rows, ["last_seen"], batch_size=200)
    version, hour = Promotion.champion(), now.replace(minute=0, second=0, microsecond=0)
    assert version
    shares, _ = synthetic(seed=3, hours=8 * 168, spikes=2)
    shares[-40] = min(0.9, shares[-41] + 0.15)
    hours = []
    for place, share in enumerate(shares):
        if share == share:
            count = chance.randrange(80, 240)
            hours.append(
                StreamHour(
                    hour=hour - timedelta(hours=len(shares) - place),
                    channel="forum",
                    label="hate_speech",
                    version=version,
                    count=count,
                    total=share * count,
                    squares=(share * share + 0.02) * count,
                    flagged=round(share * count * 0.6),
                )
            )
    StreamHour.objects.bulk_create(hours)
    watching.fit_all()
    watching.look()


def take(tab: Page, stack: Stack, theme: str) -> None:
    """Open each page as the operator sees it, and keep a picture of it.

    Try and Review stand side by side in the README, so they are as tall as the window.
    """
    tab.goto("/")
    tab.fill("#tweet", _SENTENCE)
    tab.wait_for_selector(".decision")
    _keep(tab.screenshot(), "try", theme)
    found = re.search(r"sign in at \S+ as (\S+) with the password (\S+),", stack.output)
    assert found
    tab.goto("/sign-in")
    tab.fill("[name=username]", found[1])
    tab.fill("[name=password]", found[2])
    tab.press("[name=password]", "Enter")
    tab.wait_for_selector("text=Sign out")
    newest = stack.get("/models").body["results"][0]["id"]
    for name, path in {
        "review": "/review",
        "models": "/versions",
        "version": f"/versions/{newest}",
        "traffic": "/traffic",
        "operation": "/operation",
    }.items():
        tab.goto(path)
        tab.wait_for_load_state("networkidle")
        _keep(tab.screenshot(full_page=name != "review"), name, theme)
        if name == "version":
            _keep(tab.locator("section[aria-labelledby=curves]").screenshot(), "curves", theme)


def _keep(content: bytes, name: str, theme: str) -> None:
    picture = Image.open(BytesIO(content)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, _TALLEST)))
    FOLDER.mkdir(exist_ok=True)
    picture.save(FOLDER / f"{name}-{theme}.webp", quality=80, method=6)


def _rows() -> list[dict[str, str]]:
    """Return tweets with people's answers, in an order that looks like chance: mostly everyday ones."""
    with (ROOT / "data" / "train.csv").open(encoding="utf-8", newline="") as file:
        hard: list[dict[str, Any]] = list(csv.DictReader(file))[5::17]
    with (ROOT / "data" / "everyday.csv").open(encoding="utf-8", newline="") as file:
        everyday = [{"tweet": row["tweet"], "hate_speech": "0"} for row in list(csv.DictReader(file))[3::7]]
    rows = hard + everyday
    random.Random(5).shuffle(rows)
    return rows


if __name__ == "__main__":
    if sys.argv[1:] == ["past"]:
        add_past()
    else:
        main()
