"""What a web server process runs."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

from api.lib.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

die_with_parent()
django = get_wsgi_application()

from django.conf import settings  # noqa: E402  (these need Django's settings)

from api.front_door import FrontDoor  # noqa: E402
from api.lib import database  # noqa: E402
from api.prediction import active_model, recorder  # noqa: E402
from api.review_queue import live_metrics  # noqa: E402

database.give_up_after(seconds=2.0)
database.release_when_idle(seconds=120.0)
active_model.start_watching()
recorder.start_writing()
live_metrics.start_refreshing()
# What is loaded now stays for good; the garbage collector need not look at it again and again.
gc.collect()
gc.freeze()
# A thread that computes lets the event loop in sooner than after Python's 5 ms.
sys.setswitchinterval(0.0005)

# An encoder does not hold the interpreter's lock while it computes.
application = FrontDoor(
    django, threads=settings.WEB_THREADS, large=settings.WEB_THREADS if settings.MODEL == "full" else 1
)
