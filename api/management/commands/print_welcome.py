from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from api.operations.bootstrap import key_file


class Command(BaseCommand):
    help = "Print where the service is, and commands to try it with."

    def handle(self, *args: Any, **options: Any) -> None:
        url = settings.LOCAL_URL
        key = f'-H "Authorization: Api-Key $(cat {key_file()})"'
        json = "-H 'Content-Type: application/json'"
        self.stdout.write(
            f"""
The service is ready: {url}
Open it in a browser: {url}/
Its documentation:    {url}/docs

Judge a tweet:
  curl {url}/predict {json} -d '{{"tweet": "have a lovely day, everyone"}}'
Send what a moderator decided:
  curl {url}/add-reviewed-tweet {key} {json} -d '{{"tweet": "go back to where you came from", "is_hate_speech": true}}'
See how good the model is:
  curl {url}/score
"""
        )
