"""The manifests for Kubernetes, as far as they can be read without a cluster."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

FOLDER = settings.BASE_DIR / "docker" / "k8s"
KINDS = ("Deployment", "Job")
# The oldest and the newest that are looked at.
VERSIONS = ("1.31", "1.36")


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


BASE, KAFKA = (documents(FOLDER / name / "kustomization.yaml")[0] for name in ("base", "kafka"))
OBJECTS = [one for name in BASE["resources"] for one in documents(FOLDER / "base" / name)]
PODS = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in OBJECTS if one["kind"] in KINDS}
COMPOSE = yaml.safe_load((settings.BASE_DIR / "dev.yml").read_text())["services"]
DOCUMENTED = set(re.findall(r"^\| `([A-Z_]+)` \|", (settings.BASE_DIR / "docs" / "settings.md").read_text(), re.M))


def containers() -> Iterator[dict[str, Any]]:
    for pod in PODS.values():
        yield from (*pod.get("initContainers", ()), *pod["containers"])


def literals(kustomization: dict[str, Any]) -> dict[str, str]:
    [settings_map] = kustomization["configMapGenerator"]
    return dict(line.split("=", 1) for line in settings_map["literals"])


def test_every_file_is_used() -> None:
    assert {*BASE["resources"], "kustomization.yaml"} == {path.name for path in (FOLDER / "base").iterdir()}
    used = {patch["path"] for patch in KAFKA["patches"]} | {"kustomization.yaml"}
    assert used == {path.name for path in (FOLDER / "kafka").iterdir()}
    names = {(one["kind"], one["metadata"]["name"]) for one in OBJECTS}
    assert len(names) == len(OBJECTS)
    for patch in KAFKA["patches"]:
        target = patch["target"]
        assert any(kind == target["kind"] and target.get("name", name) == name for kind, name in names)


def test_the_parts_are_those_of_the_other_stack() -> None:
    ours = {name for name, service in COMPOSE.items() if service["image"] == "hate-speech-detection"}

    assert PODS.keys() | {"bootstrap"} == ours
    for name in ("web", "worker", "beat", "stream"):
        [container] = PODS[name]["containers"]
        assert container["args"] == COMPOSE[name]["command"] == ["start", name]
    started = [one["args"] for one in (*PODS["migrate"]["initContainers"], *PODS["migrate"]["containers"])]
    assert started == [COMPOSE["migrate"]["command"], COMPOSE["bootstrap"]["command"]]


def test_each_command_is_one_of_ours() -> None:
    for container in containers():
        assert container["args"][0] in get_commands()
        if probe := container.get("livenessProbe", {}).get("exec"):
            assert probe["command"] == ["python", "manage.py", "check_alive", container["name"]]


def test_the_settings_are_documented_and_secrets_come_from_outside() -> None:
    given = literals(BASE) | literals(KAFKA)

    assert given.keys() <= DOCUMENTED
    assert not given.keys() & {"SECRET_KEY", "FORGET_KEY", "DATABASE_URL", "REDIS_URL"}
    for container in containers():
        sources = [source for one in container["envFrom"] for source in one]
        assert sources == ["configMapRef", "secretRef"]
        assert "env" not in container
    assert not [one for one in OBJECTS if one["kind"] == "Secret"]


def test_containers_may_do_little_and_have_limits() -> None:
    for pod in PODS.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001  # as the image's account has it
        assert {volume["name"] for volume in pod["volumes"]} == {"state", "tmp"}
    for container in containers():
        assert container["image"] == "hate-speech-detection"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_what_runs_for_good_waits_for_the_tables_and_is_looked_after() -> None:
    for name in ("web", "worker", "beat", "stream"):
        [container] = PODS[name]["containers"]
        assert "livenessProbe" in container
        assert PODS[name]["initContainers"][0]["args"][:2] == ["migrate", "--check"]


def test_a_selector_finds_its_pods() -> None:
    labels = {name: {"app.kubernetes.io/name": name} for name in PODS}
    for one in OBJECTS:
        spec, name = one["spec"], one["metadata"]["name"]
        if one["kind"] in ("Deployment", "PodDisruptionBudget"):
            assert spec["selector"]["matchLabels"] == labels[name]
        if one["kind"] == "Deployment":
            assert spec["template"]["metadata"]["labels"] == labels[name]
        if one["kind"] == "Service":
            assert spec["selector"] == labels[name]
        if one["kind"] == "HorizontalPodAutoscaler":
            assert spec["scaleTargetRef"]["name"] in PODS
    autoscaled = {one["spec"]["scaleTargetRef"]["name"] for one in OBJECTS if one["kind"] == "HorizontalPodAutoscaler"}
    for one in OBJECTS:
        if one["kind"] == "Deployment":  # a number here would undo what the autoscaler does
            assert ("replicas" in one["spec"]) == (one["metadata"]["name"] not in autoscaled)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
@pytest.mark.parametrize("name", ["base", "kafka"])
def test_kubernetes_would_take_it(name: str, tmp_path: Path) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate==1.37.0")
    rendered = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / name)], capture_output=True, text=True, check=True, timeout=60
    )
    objects = list(yaml.safe_load_all(rendered.stdout))

    assert {one["kind"] for one in objects} == {one["kind"] for one in OBJECTS} | {"ConfigMap"}
    for version in VERSIONS:
        for one in objects:
            validate.validate(one, version, strict=True)
    if name == "kafka":
        for one in objects:
            if one["kind"] in KINDS:
                pod = one["spec"]["template"]["spec"]
                for container in (*pod["initContainers"], *pod["containers"]):
                    assert any(mount["mountPath"] == "/kafka" for mount in container["volumeMounts"])
