from api.analytics import views
from api.http.routing import both

urlpatterns = [
    *both("analytics/hours", views.HoursView.as_view(), "analytics-hours"),
    *both("analytics/anomalies", views.AnomaliesView.as_view(), "analytics-anomalies"),
    *both("analytics/forecast", views.ForecastView.as_view(), "analytics-forecast"),
]
