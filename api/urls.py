from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, include, path, register_converter
from django.urls.converters import IntConverter
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from api import views
from api.http.renderers import JSONRenderer
from api.integrations.label_studio import views
from api.integrations.openai import views
from api.keys import views
from api.review_queue import views
from api.versions import views


class VersionConverter(IntConverter):
    """A version number that the database can hold."""

    regex = "[0-9]{1,9}"


register_converter(VersionConverter, "version")


def both(route: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    """A path, and the same with a trailing slash: redirecting there would lose a POST's body."""
    return [path(route, view, name=name), path(f"{route}/", view)]


_schema: Any = SpectacularJSONAPIView.as_view(authentication_classes=(), renderer_classes=[JSONRenderer])
_docs: Any = SpectacularSwaggerSplitView.as_view(authentication_classes=(), url_name="schema")

urlpatterns = [
    *both("predict", views.Predict.as_view(), "predict"),
    *both("add-reviewed-tweet", views.AddReviewedTweet.as_view(), "add-reviewed-tweet"),
    *both("reviewed-tweets", views.ReviewedTweets.as_view(), "reviewed-tweets"),
    *both("reviewed-tweets/bulk", views.AddReviewedTweets.as_view(), "add-reviewed-tweets"),
    *both("reviewed-tweets/approve", views.Approve.as_view(), "approve"),
    *both("reviewed-tweets/<uuid:receipt>", views.ReviewReceipt.as_view(), "reviewed-tweet"),
    *both("review-queue", views.ReviewQueue.as_view(), "review-queue"),
    *both("review-queue/<uuid:item>/release", views.ReleaseClaim.as_view(), "release-claim"),
    *both("score", views.Score.as_view(), "score"),
    *both("operating-points", views.OperatingPoints.as_view(), "operating-points"),
    *both("train", views.Train.as_view(), "train"),
    *both("training-runs", views.TrainingRuns.as_view(), "training-runs"),
    *both("training-runs/<uuid:run_id>", views.TrainingRunDetail.as_view(), "training-run"),
    *both("models", views.Models.as_view(), "models"),
    *both("models/<version:version_id>", views.ModelDetail.as_view(), "model"),
    *both("models/<version:version_id>/compare/<version:other_id>", views.Compare.as_view(), "compare"),
    *both("models/<version:version_id>/promote", views.Promote.as_view(), "promote"),
    *both("keys", views.Keys.as_view(), "keys"),
    *both("keys/<str:prefix>/trust", views.KeyTrust.as_view(), "key-trust"),
    *both("models/<version:version_id>/keep", views.Keep.as_view(), "keep"),
    *both("models/<version:version_id>/retire", views.Retire.as_view(), "retire"),
    *both("models/rollback", views.Rollback.as_view(), "rollback"),
    *both("forget", views.Forget.as_view(), "forget"),
    *both("audit-log", views.AuditLog.as_view(), "audit-log"),
    *both("v1/moderations", views.Moderations.as_view(), "moderations"),
    *both("label-studio/health", views.Health.as_view(), "label-studio-health"),
    *both("label-studio/setup", views.Setup.as_view(), "label-studio-setup"),
    *both("label-studio/predict", views.Predict.as_view(), "label-studio-predict"),
    *both("label-studio/webhook", views.Webhook.as_view(), "label-studio-webhook"),
    *both("livez", views.Live.as_view(), "livez"),
    *both("readyz", views.Ready.as_view(), "readyz"),
    *both("health", views.Health.as_view(), "health"),
    *both("schema", _schema, "schema"),
    *both("docs", _docs, "docs"),
    path("", include("api.integrations.perspective.urls")),
]
