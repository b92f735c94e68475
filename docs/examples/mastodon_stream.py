"""Put a Mastodon server's public posts into the stream, as they are written.

    pip install Mastodon.py
    python mastodon_stream.py --server https://mastodon.example --token-file token \\
        --url https://hate.example.org --key-file key

Posts in English, without boosts. The channel is the server's name. Where the service is away, it waits, and reads on
afterwards; what was written meanwhile is lost after a while, for a stream of Mastodon's cannot be read from a place.
Read the server's rules first: many do not want their posts to be collected.
"""

import argparse
import html
import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mastodon import Mastodon, MastodonNetworkError, StreamListener

BATCH, SECONDS = 500, 1.0
PAUSE = 5.0


class Posts(StreamListener):
    """Collects posts for a second, and sends them."""

    def __init__(self, server: str, url: str, key: str) -> None:
        super().__init__()
        self._channel = urlsplit(server).netloc
        self._url, self._key = url, key
        self._waiting: list[dict[str, Any]] = []
        self._since = time.monotonic()

    def on_update(self, status: Any) -> None:
        text = plain(status.content)
        if not status.reblog and status.language in (None, "en") and text:
            self._waiting.append(
                {
                    "external_id": str(status.id),
                    "tweet": text,
                    "at": status.created_at.isoformat(),
                    "channel": self._channel,
                    "author": status.account.acct,
                }
            )
        self.flush_if_due()

    def handle_heartbeat(self) -> None:
        self.flush_if_due()

    def flush_if_due(self) -> None:
        if self._waiting and (len(self._waiting) >= BATCH or time.monotonic() - self._since >= SECONDS):
            self.flush()

    def flush(self) -> None:
        """Send what is there, again and again until the service has it on disk."""
        while self._waiting:
            some, rest = self._waiting[:BATCH], self._waiting[BATCH:]
            request = urllib.request.Request(  # noqa: S310 (the address is the operator's)
                f"{self._url}/stream/tweets",
                json.dumps({"tweets": some}).encode(),
                {"Authorization": f"Api-Key {self._key}", "Content-Type": "application/json"},
            )
            try:
                urllib.request.urlopen(request, timeout=60).close()  # noqa: S310
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503):
                    sys.exit(f"the service says {error.code}: {error.read().decode(errors='replace')[:500]}")
                time.sleep(min(float(error.headers.get("Retry-After") or PAUSE), 60.0))
                continue
            except OSError:  # nobody answers
                time.sleep(PAUSE)
                continue
            self._waiting = rest
            sys.stderr.write(f"{len(some)} posts\n")
        self._since = time.monotonic()


def plain(content: str) -> str:
    """Return a post's HTML as text."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br ?/?>|</p>", "\n", content))).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description="Put a Mastodon server's public posts into the stream.")
    parser.add_argument("--server", required=True, help="such as https://mastodon.example")
    parser.add_argument("--token-file", type=Path, help="a file with an access token, which most servers want")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key-file", type=Path, required=True, help="a file with an API key of the scope predict")
    options = parser.parse_args()
    token = options.token_file.read_text().strip() if options.token_file else None
    posts = Posts(options.server, options.url, options.key_file.read_text().strip())
    mastodon = Mastodon(api_base_url=options.server, access_token=token)
    while True:
        try:
            mastodon.stream_public(posts, local=True)
        except MastodonNetworkError as error:
            sys.stderr.write(f"the server ended the stream: {error}\n")
        posts.flush()
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
