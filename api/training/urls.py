from api.http.routing import both
from api.training import views

urlpatterns = [
    *both("train", views.TrainView.as_view(), "train"),
    *both("training-runs", views.TrainingRunsView.as_view(), "training-runs"),
    *both("training-runs/<uuid:run_id>", views.TrainingRunDetailView.as_view(), "training-run"),
    *both("training-runs/<uuid:run_id>/approvals", views.ApprovalsView.as_view(), "training-run-approvals"),
]
