from django.conf import settings

from api.http.routing import both
from api.operations import views

urlpatterns = [
    *(both("metrics", views.MetricsView.as_view(), "metrics") if settings.METRICS else []),
    *both("audit-log", views.AuditLogView.as_view(), "audit-log"),
    *both("livez", views.LiveView.as_view(), "livez"),
    *both("readyz", views.ReadyView.as_view(), "readyz"),
    *both("health", views.HealthView.as_view(), "health"),
]
