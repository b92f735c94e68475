from api.analytics import views
from api.http.routing import both

urlpatterns = [
    *both("analytics/hours", views.HoursView.as_view(), "analytics-hours"),
]
