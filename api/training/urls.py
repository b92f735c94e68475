from api.http.routing import both
from api.training import views

urlpatterns = [
    *both("train", views.Train.as_view(), "train"),
    *both("training-runs", views.TrainingRuns.as_view(), "training-runs"),
    *both("training-runs/<uuid:run_id>", views.TrainingRunDetail.as_view(), "training-run"),
]
