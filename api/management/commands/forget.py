from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.lib import audit_log, suppression
from api.reviews.erasure import Forgotten, forget, forget_again

_NAMES = ("text", "external_id", "reviewer", "author")


class Command(BaseCommand):
    help = "Delete reviewed tweets for good: a text's, a post's or a person's. The next training does without them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--text", default="", help="every row with this text, as it is after cleaning")
        parser.add_argument("--external-id", default="", help="as the client sent it")
        parser.add_argument("--reviewer", default="", help="as the client sent it")
        parser.add_argument("--author", default="", help="as the client sent it")
        parser.add_argument(
            "--again",
            nargs="?",
            type=Path,
            const=settings.FORGOTTEN_FILE,
            metavar="FILE",
            help="all that is on a list, of `forgotten --export`; without a file, on the one in DATA_DIR",
        )
        parser.add_argument("--reason", required=True, help="for the audit log; do not name the person here")
        parser.add_argument(
            "--do-not-remember", action="store_true", help="let it come back, where it is sent or imported again"
        )
        parser.add_argument(
            "--retire", action="store_true", help="delete the models that may have learned from them, too"
        )

    def handle(self, *args: Any, reason: str, retire: bool, **options: Any) -> None:
        named = {name: options[name] for name in _NAMES}
        who: dict[str, Any] = {"by": audit_log.current_operator(), "reason": reason, "retire_versions": retire}
        if options["again"]:
            if any(named.values()):
                raise CommandError("--again forgets what is on a list; leave out --text, --reviewer and the like")
            forgotten = self._again(options["again"], **who)
        else:
            try:
                forgotten = forget(**who, remember=not options["do_not_remember"], **named)
            except ValueError as error:
                raise CommandError(f"{error}: --text, --external-id, --reviewer or --author") from None
        self.stdout.write(f"{forgotten.rows:,} reviewed tweets are deleted")
        for line in _about_versions(forgotten, retire=retire):
            self.stdout.write(line)

    def _again(self, path: Path, **who: Any) -> Forgotten:
        try:
            merged, forgotten = forget_again(path, **who)
        except suppression.NotAList as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from None
        self.stdout.write(f"{merged.added:,} fingerprints added to the list")
        return forgotten


def _about_versions(forgotten: Forgotten, *, retire: bool) -> list[str]:
    lines = []
    if forgotten.retired:
        lines.append(f"retired, since they may have learned from them: {_list(forgotten.retired)}")
    elif forgotten.versions and not retire:
        lines.append(
            f"these versions may have learned from them: {_list(forgotten.versions)}; "
            "retire those that do not serve, or say --retire next time"
        )
    if forgotten.serving:
        then = ", and it is retired" if retire else ""
        lines.append(f"version {forgotten.serving} serves: run train, so that another does{then}")
    return lines


def _list(versions: list[int]) -> str:
    return ", ".join(map(str, versions))
