"""FastAPI as its documentation shows it: pydantic models in and out. One app for each way to write the view."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from .models import Judge, with_our_scorer, with_scikit_learn


class Tweet(BaseModel):
    tweet: str


class Answer(BaseModel):
    is_hate_speech: bool
    probability: float
    threshold: float
    model_version: int
    warnings: list[str]


def sync_view() -> FastAPI:
    return _with_sync_view(with_scikit_learn())


def sync_view_with_our_scorer() -> FastAPI:
    return _with_sync_view(with_our_scorer())


def async_view() -> FastAPI:
    return _with_async_view(with_scikit_learn())


def async_view_with_our_scorer() -> FastAPI:
    return _with_async_view(with_our_scorer())


def _with_sync_view(judge: Judge) -> FastAPI:
    app = FastAPI()

    @app.post("/predict", response_model=Answer)
    def predict(body: Tweet) -> Any:
        return judge(body.tweet)

    return app


def _with_async_view(judge: Judge) -> FastAPI:
    app = FastAPI()

    @app.post("/predict", response_model=Answer)
    async def predict(body: Tweet) -> Any:
        return judge(body.tweet)

    return app
