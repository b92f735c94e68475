from api.http.routing import both
from api.prediction import views

urlpatterns = [
    *both("predict", views.Predict.as_view(), "predict"),
    *both("operating-points", views.OperatingPoints.as_view(), "operating-points"),
]
