from django.urls import path

from api.http.routing import both
from api.integrations.perspective import views

urlpatterns = [
    *[pattern for name, view in views.METHODS.items() for pattern in both(f"v1alpha1/{name}", view)],
    path("v1alpha1/<path:rest>", views.NotHereView.as_view()),
    *both("batch", views.BatchView.as_view()),
    *both("batch/commentanalyzer/v1alpha1", views.BatchView.as_view()),
    *both("$discovery/rest", views.DiscoveryView.as_view()),
]
