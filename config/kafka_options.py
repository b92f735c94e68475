"""The file with what a Kafka cluster asks of its clients, such as TLS and a password."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

#: What the stream's guarantees stand on, or what has a setting of its own.
_OURS = (
    *("bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset"),
    *("partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms"),
)


def read(path: Path) -> dict[str, str]:
    """Return the options of a file with lines such as `security.protocol=SASL_SSL`, by librdkafka's names.

    Raises:
        ImproperlyConfigured: it cannot be read, or a line of it cannot work.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"KAFKA_PROPERTIES_FILE: {path} cannot be read: {error}") from None
    options = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:  # the line may be a password: it is not shown
            raise ImproperlyConfigured(f"KAFKA_PROPERTIES_FILE: line {number} is not NAME=VALUE")
        if name in _OURS:
            raise ImproperlyConfigured(f"KAFKA_PROPERTIES_FILE: line {number} sets {name}, which the service sets")
        options[name] = value
    return options
