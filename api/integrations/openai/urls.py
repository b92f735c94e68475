from api.http.routing import both
from api.integrations.openai import views

urlpatterns = [
    *both("v1/moderations", views.ModerationsView.as_view(), "moderations"),
    *both("v1/models", views.ModelsView.as_view(), "openai-models"),
    *both("v1/models/<str:name>", views.ModelView.as_view(), "openai-model"),
]
