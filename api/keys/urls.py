from api.http.routing import both
from api.keys import views

urlpatterns = [
    *both("keys", views.KeysView.as_view(), "keys"),
    *both("keys/<str:prefix>/trust", views.KeyTrustView.as_view(), "key-trust"),
    *both("keys/<str:prefix>/reviewers", views.KeyReviewersView.as_view(), "key-reviewers"),
    *both("reviewed-tweets/approve", views.ApproveView.as_view(), "approve"),
]
