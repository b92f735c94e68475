"""PUBLIC_URL with a path: a proxy takes the path off, and pages lead back through it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import read_settings

PROGRAM = """
import json, os, sys
from wsgiref.util import setup_testing_defaults
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
answers = {}
def get(path):
    path, _, query = path.partition("?")
    environ = {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "localhost", "REQUEST_METHOD": "GET"}
    setup_testing_defaults(environ)
    said = []
    body = b"".join(application(environ, lambda status, headers: said.append((status, dict(headers)))))
    status, headers = said[0]
    return {"status": int(status[:3]), "location": headers.get("Location"), "body": body.decode(errors="replace")}
print(json.dumps({path: get(path) for path in json.loads(os.environ["PATHS"])}))
"""


def get(folder: Path, *paths: str, **environment: str) -> dict[str, Any]:
    """What the service answers to requests as the proxy hands them over."""
    done = read_settings(folder, PROGRAM, PATHS=json.dumps(paths), **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("path", ["/hate", "/hate/", "/a_b/c"])
def test_the_docs_find_their_scripts_and_the_schema(tmp_path: Path, path: str) -> None:
    prefix = path.rstrip("/")
    url = {"PUBLIC_URL": f"https://example.org{path}"}
    page = get(tmp_path, "/docs", **url)["/docs"]
    assets = re.findall(r'(?:src|href)="([^"]+)"', page["body"])

    assert len(assets) >= 3
    assert all(asset.startswith(f"{prefix}/") for asset in assets)
    answers = get(tmp_path, *[asset.removeprefix(prefix) for asset in assets], "/docs?script=", **url)
    assert {answer["status"] for answer in answers.values()} == {200}
    assert f'"{prefix}/schema"' in answers["/docs?script="]["body"]


def test_without_a_path_nothing_changes(tmp_path: Path) -> None:
    for url in ("", "https://example.org", "https://example.org/"):
        page = get(tmp_path, "/docs", PUBLIC_URL=url)["/docs"]["body"]
        assert 'src="/static/' in page


def test_errors_keep_the_format_of_their_path(tmp_path: Path) -> None:
    answers = get(tmp_path, "/v1/nothing", "/nothing", PUBLIC_URL="https://example.org/hate")

    assert "error" in json.loads(answers["/v1/nothing"]["body"])
    assert json.loads(answers["/nothing"]["body"])["code"] == "not_found"


@pytest.mark.parametrize(("url", "prefix"), [("https://example.org/hate", "/hate"), ("https://example.org", "")])
def test_the_admin_is_only_for_https(tmp_path: Path, url: str, prefix: str) -> None:
    options = {"ADMIN_ENABLED": "true", "BEHIND_HTTPS_PROXY": "true", "PUBLIC_URL": url}

    answers = get(tmp_path, "/admin/login/", "/livez", **options)

    assert answers["/admin/login/"]["status"] == 301
    assert answers["/admin/login/"]["location"] == f"https://localhost{prefix}/admin/login/"
    assert answers["/livez"]["status"] == 200
