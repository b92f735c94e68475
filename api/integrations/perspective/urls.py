from django.urls import path

from api.http.routing import both
from api.integrations.perspective import views

urlpatterns = [
    *[pattern for name, view in views.METHODS.items() for pattern in both(f"v1alpha1/{name}", view)],
    path("v1alpha1/<path:rest>", views.NotHere.as_view()),
    *both("batch", views.Batch.as_view()),
    *both("batch/commentanalyzer/v1alpha1", views.Batch.as_view()),
    *both("$discovery/rest", views.Discovery.as_view()),
]
