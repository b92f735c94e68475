"""The tutorials' service: a REST framework view that calls scikit-learn.

It is kinder than they are: the model is loaded once, and there is no middleware.
"""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from api.lib.processes import die_with_parent

die_with_parent()
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(32).hex(),
    REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
)
django.setup()

from django.urls import path  # noqa: E402  (they need the settings)
from rest_framework import serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from .models import with_scikit_learn  # noqa: E402

_judge = with_scikit_learn()


class Tweet(serializers.Serializer):
    tweet = serializers.CharField(trim_whitespace=False)


class Predict(APIView):
    def post(self, request: Request) -> Response:
        fields = Tweet(data=request.data)
        fields.is_valid(raise_exception=True)
        return Response(_judge(fields.validated_data["tweet"]))


urlpatterns = [path("predict", Predict.as_view())]
application = get_wsgi_application()
