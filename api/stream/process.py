"""What `manage.py start stream` runs."""

import sys
from typing import TYPE_CHECKING

import django
from django.conf import settings

if TYPE_CHECKING:  # it needs the applications, which are not there yet
    from api.stream.sources import Source


def command() -> list[str]:
    """Return the command line of the stream's process."""
    return [sys.executable, "-m", __name__]


def main() -> None:
    """Work on the stream until a signal says to stop."""
    django.setup()
    from api.stream.consumer import Consumer
    from api.stream.sources import SourceUnavailable

    try:
        consumer = Consumer(source())
    except SourceUnavailable as error:
        sys.exit(f"the stream cannot be read: {error}")
    consumer.obey_signals()
    consumer.run()


def source() -> "Source":
    """Return a reader of what STREAM says."""
    if settings.STREAM == "kafka":
        from api.stream.sources.kafka import KafkaSource  # whose package may not be installed

        return KafkaSource(lease_seconds=settings.LEASE_SECONDS)
    from api.stream.sources.valkey import ValkeySource

    return ValkeySource(lease_seconds=settings.LEASE_SECONDS)


if __name__ == "__main__":
    main()
