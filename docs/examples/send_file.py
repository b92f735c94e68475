"""Send a file of posts into the stream, and go on where it stopped.

    python send_file.py posts.jsonl --url https://hate.example.org --key-file key

Each line is a post as POST /stream/tweets takes it (docs/stream.md): {"external_id": "17", "tweet": "..."}. It needs
nothing but Python. How far it came is in posts.jsonl.sent. Kill it when you like, and start it again: what was sent
twice counts once. Posts that are refused are in posts.jsonl.refused, each with the reason.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BATCH = 500
LONGEST_WAIT = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Send a file of posts into the stream.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key-file", type=Path, required=True, help="a file with an API key of the scope predict")
    options = parser.parse_args()
    key = options.key_file.read_text().strip()
    progress = options.file.with_name(f"{options.file.name}.sent")
    begin = int(progress.read_text()) if progress.exists() else 0
    size, started, number = options.file.stat().st_size, time.monotonic(), 0
    for posts, end in batches(options.file, begin):
        number += send(options.url, key, posts, options.file.with_name(f"{options.file.name}.refused"))
        partial = progress.with_name(f"{progress.name}.new")
        partial.write_text(str(end))
        partial.replace(progress)  # whole, or as it was
        rate = number / max(time.monotonic() - started, 0.001)
        sys.stderr.write(f"\r{end / max(size, 1):.1%}  {number:,} posts  {rate:,.0f} a second ")
    sys.stderr.write("\n")


def batches(path: Path, begin: int) -> Iterator[tuple[list[str], int]]:
    """Yield up to 500 lines at once, with the place in the file behind them."""
    lines: list[str] = []
    with path.open("rb") as file:
        file.seek(begin)
        while line := file.readline():
            if line.strip():
                lines.append(line.decode("utf-8", errors="replace"))
            if len(lines) == BATCH:
                yield lines, file.tell()
                lines = []
        yield lines, file.tell()


def send(url: str, key: str, lines: list[str], refused: Path) -> int:
    """Send posts until the service has them on disk; those that it refuses are set aside. Return how many it took."""
    posts: list[Any] = []
    for line in lines:
        try:
            posts.append(json.loads(line))
        except ValueError as error:
            set_aside(refused, line, f"no JSON: {error}")
    while posts:
        status, answer, wait = ask(url, key, posts)
        if status == 202:
            return len(posts)
        if status == 400 and (wrong := wrong_posts(answer)):
            for place, reason in wrong.items():
                set_aside(refused, posts[place], reason)
            posts = [post for place, post in enumerate(posts) if place not in wrong]
        elif status in (429, 503):  # full, or a part is away: that passes
            time.sleep(wait)
        else:
            sys.exit(f"the service says {status}: {answer.get('detail', answer)}")
    return 0


def ask(url: str, key: str, posts: list[Any]) -> tuple[int, Any, float]:
    """Return the status, what was said, and after how many seconds to ask again."""
    request = urllib.request.Request(  # noqa: S310 (the address is the operator's)
        f"{url}/stream/tweets",
        json.dumps({"tweets": posts}).encode(),
        {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, json.load(response), 0
    except urllib.error.HTTPError as error:
        wait = min(float(error.headers.get("Retry-After") or 5), LONGEST_WAIT)
        content = error.read()
        return error.code, json.loads(content) if content.startswith(b"{") else {}, wait
    except OSError:  # nobody answers
        return 503, {}, 5.0


def wrong_posts(answer: Any) -> dict[int, str]:
    """Return the places of posts that were refused, with the reason: the errors are named `tweets.3.at`."""
    wrong: dict[int, str] = {}
    for name, problems in answer.get("errors", {}).items():
        _, place, field = f"{name}..".split(".", 2)
        if place.isdigit():
            wrong[int(place)] = f"{field.strip('.') or 'post'}: {' '.join(problems)}"
    return wrong


def set_aside(refused: Path, post: Any, reason: str) -> None:
    with refused.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"reason": reason, "post": post}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
