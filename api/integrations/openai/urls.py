from api.http.routing import both
from api.integrations.openai import views

urlpatterns = [*both("v1/moderations", views.Moderations.as_view(), "moderations")]
