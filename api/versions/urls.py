from api.http.routing import both
from api.versions import views

urlpatterns = [
    *both("score", views.Score.as_view(), "score"),
    *both("models", views.Models.as_view(), "models"),
    *both("models/rollback", views.Rollback.as_view(), "rollback"),
    *both("models/<version:version_id>", views.ModelDetail.as_view(), "model"),
    *both("models/<version:version_id>/compare/<version:other_id>", views.Compare.as_view(), "compare"),
    *both("models/<version:version_id>/promote", views.Promote.as_view(), "promote"),
    *both("models/<version:version_id>/keep", views.Keep.as_view(), "keep"),
    *both("models/<version:version_id>/retire", views.Retire.as_view(), "retire"),
]
