from api.http.routing import both
from api.reviews import views

urlpatterns = [
    *both("add-reviewed-tweet", views.AddReviewedTweetView.as_view(), "add-reviewed-tweet"),
    *both("reviewed-tweets", views.ReviewedTweetsView.as_view(), "reviewed-tweets"),
    *both("reviewed-tweets/bulk", views.AddReviewedTweetsView.as_view(), "add-reviewed-tweets"),
    *both("reviewed-tweets/<uuid:receipt>", views.ReviewReceiptView.as_view(), "reviewed-tweet"),
    *both("forgotten", views.ErasuresView.as_view(), "forgotten"),
    *both("forgotten/<uuid:number>/lift", views.LiftErasureView.as_view(), "lift-erasure"),
    *both("forget", views.ForgetView.as_view(), "forget"),
]
