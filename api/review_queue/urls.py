from api.http.routing import both
from api.review_queue import views

urlpatterns = [
    *both("review-queue", views.ReviewQueue.as_view(), "review-queue"),
    *both("review-queue/<uuid:item>/release", views.ReleaseClaim.as_view(), "release-claim"),
]
