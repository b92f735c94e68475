from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from api.integrations.perspective import views


def both(route: str, view: Callable[..., HttpResponse]) -> list[URLPattern]:
    """A path, and the same with a trailing slash."""
    return [path(route, view), path(f"{route}/", view)]


urlpatterns = [
    *[pattern for name, view in views.METHODS.items() for pattern in both(f"v1alpha1/{name}", view)],
    path("v1alpha1/<path:rest>", views.NotHere.as_view()),
    *both("batch", views.Batch.as_view()),
    *both("batch/commentanalyzer/v1alpha1", views.Batch.as_view()),
    *both("$discovery/rest", views.Discovery.as_view()),
]
