"""MLServer with a model in its own process, asked by a path of the model's own: its V2 format would cost it more."""

import argparse
import asyncio
from typing import Any

from fastapi import Request, Response
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.handlers import custom_handler  # both in an environment of their own

from api.lib.processes import die_with_parent
from api.lib.valkey import free_port

from .models import with_scikit_learn


class Hate(MLModel):
    async def load(self) -> bool:
        self.judge = with_scikit_learn()
        return True

    @custom_handler(rest_path="/predict")
    async def judge_tweet(self, request: Request) -> Response:
        import orjson

        answer: dict[str, Any] = self.judge(orjson.loads(await request.body())["tweet"])
        return Response(orjson.dumps(answer), media_type="application/json")


if __name__ == "__main__":
    die_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    address = parser.parse_args()
    settings = Settings(
        host=address.host,
        http_port=address.port,
        grpc_port=free_port(),
        metrics_endpoint=None,
        parallel_workers=0,
        load_models_at_startup=False,
        debug=False,
        use_structured_logging=False,
    )
    model = ModelSettings(name="hate", implementation=Hate)
    asyncio.run(MLServer(settings).start([model]))
