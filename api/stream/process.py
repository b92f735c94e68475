"""What `manage.py start stream` runs."""

import sys

import django
from django.conf import settings


def command() -> list[str]:
    """Return the command line of the stream's process."""
    return [sys.executable, "-m", __name__]


def main() -> None:
    """Work on the stream until a signal says to stop."""
    django.setup()
    from api.stream.consumer import Consumer
    from api.stream.valkey_source import ValkeySource

    consumer = Consumer(ValkeySource(lease_seconds=settings.LEASE_SECONDS))
    consumer.obey_signals()
    consumer.run()


if __name__ == "__main__":
    main()
