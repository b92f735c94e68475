from api.http.routing import both
from api.integrations.label_studio import views

urlpatterns = [
    *both("label-studio/health", views.Health.as_view(), "label-studio-health"),
    *both("label-studio/setup", views.Setup.as_view(), "label-studio-setup"),
    *both("label-studio/predict", views.Predict.as_view(), "label-studio-predict"),
    *both("label-studio/webhook", views.Webhook.as_view(), "label-studio-webhook"),
]
