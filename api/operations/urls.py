from api.http.routing import both
from api.operations import views

urlpatterns = [
    *both("audit-log", views.AuditLog.as_view(), "audit-log"),
    *both("livez", views.Live.as_view(), "livez"),
    *both("readyz", views.Ready.as_view(), "readyz"),
    *both("health", views.Health.as_view(), "health"),
]
