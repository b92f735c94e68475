from api.http.routing import both
from api.reviews import views

urlpatterns = [
    *both("add-reviewed-tweet", views.AddReviewedTweet.as_view(), "add-reviewed-tweet"),
    *both("reviewed-tweets", views.ReviewedTweets.as_view(), "reviewed-tweets"),
    *both("reviewed-tweets/bulk", views.AddReviewedTweets.as_view(), "add-reviewed-tweets"),
    *both("reviewed-tweets/<uuid:receipt>", views.ReviewReceipt.as_view(), "reviewed-tweet"),
    *both("forget", views.Forget.as_view(), "forget"),
]
