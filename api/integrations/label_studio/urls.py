from api.http.routing import both
from api.integrations.label_studio import views

urlpatterns = [
    *both("label-studio/health", views.HealthView.as_view(), "label-studio-health"),
    *both("label-studio/setup", views.SetupView.as_view(), "label-studio-setup"),
    *both("label-studio/predict", views.PredictView.as_view(), "label-studio-predict"),
    *both("label-studio/webhook", views.WebhookView.as_view(), "label-studio-webhook"),
]
