"""LitServe as its documentation shows it: one worker process and one process for HTTP."""

import argparse
from typing import Any

import litserve  # in a virtual environment of its own

from .models import Judge, with_scikit_learn


class Hate(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.judge: Judge = with_scikit_learn()

    def decode_request(self, request: dict[str, str]) -> str:
        return request["tweet"]

    def predict(self, tweet: str) -> dict[str, Any]:
        return self.judge(tweet)

    def encode_response(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    address = parser.parse_args()
    server = litserve.LitServer(Hate(api_path="/predict"), accelerator="cpu", workers_per_device=1)
    server.run(host=address.host, port=address.port, num_api_servers=1, log_level="warning", generate_client_file=False)
