from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.keys import accounts
from api.lib import audit_log


class Command(BaseCommand):
    help = "Make an account for the pages, or give one a new password, and print the password: the only time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="with which its owner signs in")
        parser.add_argument("--role", choices=list(accounts.GROUPS), default="moderator")
        parser.add_argument("--reset", action="store_true", help="a new password for an account that exists")

    def handle(self, *args: Any, **options: Any) -> None:
        name, operator = options["name"], audit_log.current_operator()
        if options["reset"]:
            user = User.objects.filter(username=name).first()
            if user is None:
                raise CommandError(f"there is no account {name!r}; without --reset, it is made")
            password = accounts.reset_password(user, made_by=operator)
        else:
            try:
                _, password = accounts.create(name, options["role"], made_by=operator)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
        self.stderr.write(f"the password of {name}; it is not shown again:")
        self.stdout.write(password)
