from api.http.routing import both
from api.prediction import views

urlpatterns = [
    *both("predict", views.PredictView.as_view(), "predict"),
    *both("operating-points", views.OperatingPointsView.as_view(), "operating-points"),
]
