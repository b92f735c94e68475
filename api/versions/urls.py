from api.http.routing import both
from api.versions import views

urlpatterns = [
    *both("score", views.ScoreView.as_view(), "score"),
    *both("models", views.ModelsView.as_view(), "models"),
    *both("models/rollback", views.RollbackView.as_view(), "rollback"),
    *both("models/<version:version_id>", views.ModelDetailView.as_view(), "model"),
    *both("models/<version:version_id>/compare/<version:other_id>", views.CompareView.as_view(), "compare"),
    *both("models/<version:version_id>/promote", views.PromoteView.as_view(), "promote"),
    *both("models/<version:version_id>/keep", views.KeepView.as_view(), "keep"),
    *both("models/<version:version_id>/retire", views.RetireView.as_view(), "retire"),
]
