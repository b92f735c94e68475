from api.http.routing import both
from api.review_queue import views

urlpatterns = [
    *both("review-queue", views.ReviewQueueView.as_view(), "review-queue"),
    *both("review-queue/<uuid:item>/release", views.ReleaseClaimView.as_view(), "release-claim"),
]
