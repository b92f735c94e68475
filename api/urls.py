"""Every path: each room has its own. Those of the stream are there where the operator has turned it on."""

from typing import Any

from django.conf import settings
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from api.http.renderers import JSONRenderer
from api.http.routing import both
from api.operations.views import SchemaView

_ROOMS = (
    *("keys", "prediction", "review_queue", "versions", "reviews", "training"),
    *(("stream", "analytics") if settings.STREAM else ()),
    *("integrations.perspective", "integrations.openai", "integrations.label_studio", "operations"),
)
_schema: Any = SchemaView.as_view(authentication_classes=(), renderer_classes=[JSONRenderer])
_docs: Any = SpectacularSwaggerSplitView.as_view(authentication_classes=(), url_name="schema")

urlpatterns = [
    *[path("", include(f"api.{room}.urls")) for room in _ROOMS],
    *both("schema", _schema, "schema"),
    *both("docs", _docs, "docs"),
]
