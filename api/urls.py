from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, include, path, register_converter
from django.urls.converters import IntConverter
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from api import keys, label_studio, model_views, openai, queue_views, views
from api.renderers import JSONRenderer


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
    *both("reviewed-tweets/approve", keys.Approve.as_view(), "approve"),
    *both("reviewed-tweets/<uuid:receipt>", views.ReviewReceipt.as_view(), "reviewed-tweet"),
    *both("review-queue", queue_views.ReviewQueue.as_view(), "review-queue"),
    *both("review-queue/<uuid:item>/release", queue_views.ReleaseClaim.as_view(), "release-claim"),
    *both("score", views.Score.as_view(), "score"),
    *both("operating-points", views.OperatingPoints.as_view(), "operating-points"),
    *both("train", views.Train.as_view(), "train"),
    *both("training-runs", views.TrainingRuns.as_view(), "training-runs"),
    *both("training-runs/<uuid:run_id>", views.TrainingRunDetail.as_view(), "training-run"),
    *both("models", model_views.Models.as_view(), "models"),
    *both("models/<version:version_id>", model_views.ModelDetail.as_view(), "model"),
    *both("models/<version:version_id>/compare/<version:other_id>", model_views.Compare.as_view(), "compare"),
    *both("models/<version:version_id>/promote", model_views.Promote.as_view(), "promote"),
    *both("keys", keys.Keys.as_view(), "keys"),
    *both("keys/<str:prefix>/trust", keys.KeyTrust.as_view(), "key-trust"),
    *both("models/<version:version_id>/keep", model_views.Keep.as_view(), "keep"),
    *both("models/<version:version_id>/retire", model_views.Retire.as_view(), "retire"),
    *both("models/rollback", model_views.Rollback.as_view(), "rollback"),
    *both("forget", model_views.Forget.as_view(), "forget"),
    *both("audit-log", views.AuditLog.as_view(), "audit-log"),
    *both("v1/moderations", openai.Moderations.as_view(), "moderations"),
    *both("label-studio/health", label_studio.Health.as_view(), "label-studio-health"),
    *both("label-studio/setup", label_studio.Setup.as_view(), "label-studio-setup"),
    *both("label-studio/predict", label_studio.Predict.as_view(), "label-studio-predict"),
    *both("label-studio/webhook", label_studio.Webhook.as_view(), "label-studio-webhook"),
    *both("livez", views.Live.as_view(), "livez"),
    *both("readyz", views.Ready.as_view(), "readyz"),
    *both("health", views.Health.as_view(), "health"),
    *both("schema", _schema, "schema"),
    *both("docs", _docs, "docs"),
    path("", include("api.perspective.urls")),
]
