from api.http.routing import both
from api.keys import views

urlpatterns = [
    *both("keys", views.Keys.as_view(), "keys"),
    *both("keys/<str:prefix>/trust", views.KeyTrust.as_view(), "key-trust"),
    *both("reviewed-tweets/approve", views.Approve.as_view(), "approve"),
]
