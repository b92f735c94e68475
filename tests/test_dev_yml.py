"""The stack in containers, as far as it can be read."""

import re
from typing import Any

import pytest
import yaml
from django.conf import settings

STACK = yaml.safe_load((settings.BASE_DIR / "dev.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "hate-speech-detection"}


def test_it_has_every_part() -> None:
    assert {"db", "redis", "web", "worker", "beat", "bootstrap"} <= SERVICES.keys()


def test_only_the_web_service_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published.keys() == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


@pytest.mark.parametrize("name", ["db", "redis", "kafka", "web", "worker", "beat", "stream"])
def test_what_runs_for_good_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_parts_wait_for_what_they_need() -> None:
    for name in ("web", "worker", "beat", "stream", "bootstrap"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"


def test_secrets_come_from_outside() -> None:
    secrets: dict[str, list[str]] = {"SECRET_KEY": [], "POSTGRES_PASSWORD": []}
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name in secrets:
                secrets[name].append(value)

    for values in secrets.values():
        assert values
        assert all(value.startswith("${") and ":?" in value for value in values)
    assert not any(line.split("=")[1].strip() for line in _example() if line.split("=")[0] in secrets)


def test_every_setting_can_stand_in_the_env_file() -> None:
    fixed = {"DATA_DIR", "HOST", "PORT", "DATABASE_URL", "REDIS_URL", "ENV_FILE", "DEBUG"}
    documented = re.findall(
        r"^\| `([A-Z_]+)` \|", (settings.BASE_DIR / "docs" / "settings.md").read_text(), re.MULTILINE
    )

    for service in OURS.values():
        from_outside = {name for name, value in service["environment"].items() if f"${{{name}" in str(value)}
        assert from_outside == set(documented) - fixed


def test_their_defaults_are_the_documented_ones() -> None:
    text = (settings.BASE_DIR / "docs" / "settings.md").read_text()
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `(.*?)` \|", text, re.MULTILINE))
    given = {name: re.fullmatch(r"\$\{\w+-(.*)\}", str(value)) for name, value in OURS["web"]["environment"].items()}

    other = {"ALLOWED_HOSTS", "BEHIND_HTTPS_PROXY"}
    for name, default in given.items():
        if default and name in documented and name not in other:
            assert default[1] == documented[name], name


def test_our_containers_may_do_little() -> None:
    assert OURS.keys() == {"migrate", "web", "worker", "beat", "stream", "bootstrap"}
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]
    assert "\nUSER app\n" in (settings.BASE_DIR / "docker" / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_fills_the_disk_gains_rights_or_forks_without_end(name: str) -> None:
    service = SERVICES[name]

    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["pids_limit"] <= 512
    assert re.fullmatch(r"\d[gm]|\d\d\dm|\$\{WORKER_MEMORY-\dg\}", service["mem_limit"])


@pytest.mark.parametrize("name", ["requirements", "requirements-full", "requirements-kafka"])
def test_the_image_installs_what_is_pinned_and_nothing_whose_hash_is_another(name: str) -> None:
    folder = settings.BASE_DIR
    versions = re.compile(r"([\w.-]+)==([\w.]+)")
    pinned, locked = (
        {found.groups() for line in path.read_text().splitlines() if (found := versions.match(line))}
        for path in (folder / f"{name}.txt", folder / "docker" / f"{name}.lock")
    )

    pinned -= {("async-timeout", "5.0.1")}  # for an older Python than the image's
    assert len(pinned) >= {"requirements": 60, "requirements-full": 10, "requirements-kafka": 1}[name]
    assert {(package.lower().replace("_", "-"), version) for package, version in pinned} <= locked
    assert f"--require-hashes --requirement {name}.lock" in (folder / "docker" / "Dockerfile").read_text()
    assert f"!docker/{name}.lock" in (folder / ".dockerignore").read_text().splitlines()


def test_redis_asks_for_the_password() -> None:
    password = "${POSTGRES_PASSWORD}"

    assert SERVICES["redis"]["command"][-2:] == ["--requirepass", password]
    assert SERVICES["redis"]["environment"]["REDISCLI_AUTH"] == password  # of its health check
    assert all(f":{password}@redis:" in service["environment"]["REDIS_URL"] for service in OURS.values())


def test_only_the_services_account_reads_the_data() -> None:
    assert "mkdir --mode 0700 /data && chown app:app /data" in (settings.BASE_DIR / "docker" / "Dockerfile").read_text()


@pytest.mark.parametrize("part", ["web", "worker", "beat", "stream"])
def test_the_parts_are_started_as_without_containers(part: str) -> None:
    assert SERVICES[part]["command"] == ["start", part]


def _example() -> list[str]:
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()
    return [line for line in lines if "=" in line and not line.startswith("#")]
