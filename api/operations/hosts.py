"""Which host names requests may give: those of `ALLOWED_HOSTS`, and any that Prometheus knows a machine by."""

from django.conf import settings
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class HostMiddleware(CommonMiddleware):
    """Refuse other hosts than `ALLOWED_HOSTS`, but not for `/metrics`.

    On Kubernetes, Prometheus asks each pod by its address, which no setting can name beforehand. The answer has no URL
    that a made-up host could get into, and a page of somebody else that gets here through its own name has no key.
    """

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if settings.METRICS and request.path_info.rstrip("/") == "/metrics":
            return None
        return super().process_request(request)
