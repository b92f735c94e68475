from api.http.routing import both
from api.integrations.openai import views

urlpatterns = [*both("v1/moderations", views.ModerationsView.as_view(), "moderations")]
