"""A Redis behind rediss:// proves who it is, to web, worker and beat alike."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import read_settings

# Of redis.example, signed by itself.
CERTIFICATE = """
-----BEGIN CERTIFICATE-----
MIIBhjCCAS2gAwIBAgIUCCfylXd7XfuTBzeRGvvU35YfWC0wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVkaXMuZXhhbXBsZTAgFw0yNjExMjkwMTQxMTVaGA8yMTI2
MTEwNTAxNDExNVowGDEWMBQGA1UEAwwNcmVkaXMuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABCIaDclAcP3stFqCplEa98bltqMwGdYSWoxticr9jY1i
1jVMO6vRevnVJbUhikN5LzYnJ3lbI9AOMrK2TY0CbBSjUzBRMB0GA1UdDgQWBBSD
stgsCBMarnT9+ddALSLL8zOIzzAfBgNVHSMEGDAWgBSDstgsCBMarnT9+ddALSLL
8zOIzzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIGFifbzz4M4S
Z9hjXdkOkoA+YBN17oCHaO5q77s9Hyv8AiAdTu3jQ5WD/a8VyoWFijbukgqEmzs2
LgK62gPdgMJqHg==
-----END CERTIFICATE-----
"""

PROGRAM = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django, json
django.setup()
from api.lib import redis_client
from config.celery import app
web = redis_client._client().connection_pool
connection = app.connection_for_write()
parts = {
    "web": {**web.connection_kwargs, "class": web.connection_class.__name__},
    "worker and beat": {**(connection.ssl or {}), "class": "SSLConnection" if connection.ssl else "Connection"},
}
names = ("class", "ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs")
print(json.dumps({part: {name: options.get(name) for name in names} for part, options in parts.items()}))
"""


@pytest.fixture
def certificates(tmp_path: Path) -> str:
    file = tmp_path / "redis.pem"
    file.write_text(CERTIFICATE)
    return str(file)


def parts(folder: Path, **environment: str) -> dict[str, dict[str, Any]]:
    done = read_settings(folder, PROGRAM, **environment)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("part", ["web", "worker and beat"])
def test_every_part_verifies_it(tmp_path: Path, part: str) -> None:
    assert parts(tmp_path, REDIS_URL="rediss://redis.example:6379/0")[part] == {
        "class": "SSLConnection",
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": None,
    }


@pytest.mark.parametrize("part", ["web", "worker and beat"])
def test_every_part_takes_the_certificates_of_the_setting(tmp_path: Path, part: str, certificates: str) -> None:
    found = parts(tmp_path, REDIS_URL="rediss://redis.example:6379/0", REDIS_CA_FILE=certificates)

    assert (found[part]["ssl_ca_certs"], found[part]["ssl_cert_reqs"]) == (certificates, "required")


def test_certificates_without_tls_are_a_mistake(tmp_path: Path, certificates: str) -> None:
    done = read_settings(tmp_path, REDIS_URL="redis://redis.example:6379/0", REDIS_CA_FILE=certificates)

    assert "REDIS_CA_FILE is for a REDIS_URL with rediss://" in done.stderr.splitlines()[-1]


def test_without_tls_nothing_changes(tmp_path: Path) -> None:
    found = parts(tmp_path, REDIS_URL="redis://redis.example:6379/0")

    assert {options["class"] for options in found.values()} == {"Connection"}
