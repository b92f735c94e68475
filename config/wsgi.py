"""What a web server process runs."""

import gc
import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse

from api.lib.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

die_with_parent()
django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django's, with a finished body handed over as a list: granian sends that at once, and streams anything else."""
    response = django(environ, start_response)
    if not isinstance(response, HttpResponse):
        return response
    body = [response.content]
    response.close()
    return body


from api.lib import database  # noqa: E402  (they need Django's settings)
from api.prediction import active_model, recorder  # noqa: E402
from api.review_queue import live_metrics  # noqa: E402

database.give_up_after(seconds=2.0)
active_model.start_watching()
recorder.start_writing()
live_metrics.start_refreshing()
# What is loaded now stays for good; the garbage collector need not look at it again and again.
gc.collect()
gc.freeze()
