"""What a web server process runs."""

import os

from django.core.wsgi import get_wsgi_application

from config.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

die_with_parent()
application = get_wsgi_application()

from api import active_model, database  # noqa: E402  (they need Django's settings)

database.give_up_after(seconds=2.0)
active_model.start_watching()
