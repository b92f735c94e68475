"""HTTP, as Google speaks it: read, call one function, answer."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.http.authentication import key_of, required_key
from api.integrations.perspective import batch, discovery, errors, scores
from api.integrations.perspective.keys import GoogleKeyAuthentication
from api.integrations.perspective.messages import read_analysis, read_suggestion
from api.integrations.perspective.parsers import BytesParser, LenientJSONParser
from api.models import ApiKey


class GoogleView(APIView):
    """Google's keys, bodies and errors. The discovery document describes these paths; the OpenAPI schema does not."""

    schema = None
    authentication_classes = [GoogleKeyAuthentication]
    parser_classes = [LenientJSONParser]

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return errors.handler


class AnalyzeView(GoogleView):
    scope = ApiKey.Scope.PREDICT
    public = True

    def post(self, request: Request) -> Response:
        return Response(scores.analyze(read_analysis(request.data), key_of(request), batch.budget_of(request)))


class SuggestScoreView(GoogleView):
    scope = ApiKey.Scope.REVIEW

    def post(self, request: Request) -> Response:
        key = required_key(request)
        asked = read_suggestion(request.data)
        receipt = str(scores.suggest(asked, key, batch.budget_of(request)).receipt)
        comment = asked.comment
        answer: dict[str, Any] = {
            "requestedLanguages": comment.requested,
            "detectedLanguages": [comment.detected] if comment.detected else [],
            "reviewId": receipt,
        }
        if comment.client_token is not None:
            answer["clientToken"] = comment.client_token
        return Response(answer, headers={"X-Review-Id": receipt})


class BatchView(GoogleView):
    """Needs no key of its own: each of its requests does."""

    authentication_classes = []
    parser_classes = [BytesParser]

    def post(self, request: Request) -> HttpResponse:
        content: Any = request.data or b""
        answer, content_type = batch.run(request, content, METHODS)
        return HttpResponse(answer, content_type=content_type)


class DiscoveryView(GoogleView):
    def get(self, request: Request) -> Response:
        if request.query_params.get("version", discovery.VERSION) != discovery.VERSION:
            raise NotFound("Discovery document not found for API service: the version here is v1alpha1.")
        return Response(discovery.document(discovery.root_url(request)))


class NotHereView(GoogleView):
    """The other paths: a client should find Google's error there, too."""

    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("Method not found. There are comments:analyze and comments:suggestscore.")


#: The methods by the ends of their paths.
METHODS = {"comments:analyze": AnalyzeView.as_view(), "comments:suggestscore": SuggestScoreView.as_view()}
