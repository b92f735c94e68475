from api.http.routing import both
from api.stream import views

urlpatterns = [
    *both("stream/tweets", views.StreamTweetsView.as_view(), "stream-tweets"),
    *both("stream/dead-letters", views.DeadLettersView.as_view(), "dead-letters"),
    *both("stream/dead-letters/<version:number>", views.DeadLetterView.as_view(), "dead-letter"),
    *both("stream/dead-letters/<version:number>/retry", views.RetryDeadLetterView.as_view(), "retry-dead-letter"),
]
