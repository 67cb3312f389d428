"""The pods of deploy/kubernetes/: Kubernetes takes them, and they run what the code is."""

import base64
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from pydantic import SecretStr

from schemas.export import ROOT
from schemas.flow import FLOWS
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.notify.rules.file import load_rules
from services.notify.settings import NotifySettings
from services.runtime import service, serving
from services.runtime.health import Health
from services.runtime.settings import Settings
from services.scoring.main import ScoringSettings
from tests.manifests import (
    FOLDER,
    OVERLAYS,
    Manifest,
    build,
    container,
    environment,
    of_kind,
    pods,
    secrets,
    selects,
    the,
    with_component,
)

SETTINGS: dict[str, type[Settings]] = {
    "gateway": GatewaySettings,
    "ingest": IngestSettings,
    "scoring": ScoringSettings,
    "notify": NotifySettings,
    "prepare": Settings,
}
FIELDS = {name: field for model in SETTINGS.values() for name, field in model.model_fields.items()}
NOT_OURS = {"FORWARDED_ALLOW_IPS"}
"""Variables of uvicorn."""
OPERATORS = {"kafka.strimzi.io/v1", "mongodbcommunity.mongodb.com/v1", "keda.sh/v1alpha1"}
"""Whose kinds no package of a registry has a schema of (docs/kubernetes.md)."""
NOTIFY = ("Deployment", "notify")
OLDEST, NEWEST = "1.30", "1.37"

overlays = pytest.mark.parametrize("overlay", OVERLAYS)
each_pod = pytest.mark.parametrize(
    ("overlay", "name"), [(overlay, name) for overlay in OVERLAYS for name in SETTINGS]
)
each_service = pytest.mark.parametrize(
    ("overlay", "name"),
    [(overlay, name) for overlay in OVERLAYS for name in FLOWS if name in SETTINGS],
)


def variable(setting: str) -> str:
    alias = FIELDS[setting].validation_alias
    return str(alias) if alias else f"LANGNGHE_{setting.upper()}"


@overlays
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_objects_are_what_kubernetes_knows(overlay: str, version: str) -> None:
    ours = [manifest for manifest in build(overlay) if manifest["apiVersion"] not in OPERATORS]
    assert len(ours) > 15
    for manifest in ours:
        kubernetes_validate.validate(manifest, version, strict=True)


@overlays
def test_every_part_is_there_and_nothing_twice(overlay: str) -> None:
    assert set(pods(overlay)) == set(SETTINGS)
    named = [(m["kind"], m["metadata"]["name"]) for m in build(overlay)]
    assert len(named) == len(set(named))
    outside = [m["metadata"].get("namespace") for m in build(overlay) if m["kind"] != "Namespace"]
    assert set(outside) == {"langnghe"}


@overlays
def test_services_can_be_left_out_until_prepare_is_done(overlay: str) -> None:
    """`kubectl apply -l langnghe-step!=services`: see docs/kubernetes.md."""
    last = {
        manifest["kind"]
        for manifest in build(overlay)
        if manifest["metadata"].get("labels", {}).get("langnghe-step") == "services"
    }
    scaling = {"HorizontalPodAutoscaler", "ScaledObject"} if overlay == "national" else set()
    assert last == {"Deployment"} | scaling


@each_pod
def test_containers_may_do_nothing_they_need_not(overlay: str, name: str) -> None:
    pod = pods(overlay)[name]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    user = {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001, "runAsNonRoot": True}
    assert pod["securityContext"] == {**user, "seccompProfile": {"type": "RuntimeDefault"}}
    assert "USER 10001:10001" in (ROOT / "deploy/image/Dockerfile").read_text(encoding="utf-8")
    one = container(pods(overlay)[name])
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for bound in ("requests", "limits"):
        assert set(one["resources"][bound]) == {"cpu", "memory"}
    assert all(mount["readOnly"] for mount in one["volumeMounts"])


@each_service
def test_probes_ask_what_operations_answer(overlay: str, name: str) -> None:
    one = container(pods(overlay)[name])
    answered = {route.path for route in Health(name).routes()}
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    assert ports["operations"] == Settings.model_fields["ops_port"].default
    asked = {
        probe: one[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")
    }
    assert {what["port"] for what in asked.values()} == {"operations"}
    assert {what["path"] for what in asked.values()} <= answered
    assert asked["readiness"]["path"] == "/health/ready"
    assert asked["liveness"]["path"] == asked["startup"]["path"] == "/health/live"
    scraped = pods(overlay)[name]["metadata"]["annotations"]
    assert scraped["prometheus.io/port"] == str(ports["operations"])
    assert scraped["prometheus.io/path"] in answered


@each_service
def test_a_stop_waits_longer_than_the_service_needs(overlay: str, name: str) -> None:
    pod = pods(overlay)[name]
    before = (
        container(pod).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    )
    needed = before + serving._GRACE_SECONDS + service._WORST_BATCH_SECONDS
    assert pod["spec"]["terminationGracePeriodSeconds"] > needed


@each_pod
def test_pods_run_a_command_that_there_is(overlay: str, name: str) -> None:
    command = container(pods(overlay)[name])["args"]
    assert command[:2] == (["prepare", "--replication"] if name == "prepare" else ["run", name])


@each_pod
def test_settings_are_taken_by_the_service(
    overlay: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables and files of the pod, with invented secrets, are settings of its process."""
    pod = pods(overlay)[name]
    known = {variable(setting) for setting in FIELDS}
    variables = environment(overlay, pod)
    assert variables.keys() <= known | NOT_OURS
    secret = {variable(n) for n, field in FIELDS.items() if "SecretStr" in str(field.annotation)}
    assert len(secret) > 5
    assert not variables.keys() & secret, "a secret is written down"

    folder = variables["LANGNGHE_SECRETS"]
    written: dict[str, str] = {}
    for _, _, path in secrets(pod):
        assert path.startswith(folder + "/")
        file = path.removeprefix(f"{folder}/")
        written[file] = base64.b64encode(bytes([len(written)] * 32)).decode()
        (tmp_path / file).write_text(written[file], encoding="utf-8")
    for key, value in variables.items():
        monkeypatch.setenv(key, value.replace(folder, str(tmp_path)))
    taken: Any = SETTINGS[name]()
    assert taken.kafka_user == taken.mongo_user == f"langnghe-{name}"
    for file in written.keys() & known:
        value = getattr(taken, file.removeprefix("LANGNGHE_").lower())
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        assert plain == written[file]
    assert written.keys() - known == {"kafka-ca.crt", "mongodb-ca.crt"}


@overlays
def test_nothing_secret_is_written_down(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")
    for source in FOLDER.rglob("kustomization.yaml"):
        assert "secretGenerator" not in source.read_text(encoding="utf-8")


@overlays
def test_every_secret_has_a_line_in_the_documentation(overlay: str) -> None:
    page = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    made_by_strimzi = {*of_kind(overlay, "KafkaUser"), "langnghe-cluster-ca-cert"}
    named = {name for pod in pods(overlay).values() for name, _, _ in secrets(pod)}
    for name in named - made_by_strimzi:
        assert f"`{name}`" in page


@overlays
def test_images_have_a_tag_of_the_overlay(overlay: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    images = {container(pod)["image"] for pod in pods(overlay).values()}
    assert images == {f"registry.example/langnghe:{version}"}


@overlays
def test_the_rule_file_is_where_notify_looks(overlay: str, tmp_path: Path) -> None:
    pod = pods(overlay)["notify"]
    looked_for = Path(environment(overlay, pod)["LANGNGHE_RULES"])
    [mount] = [
        m for m in container(pod)["volumeMounts"] if m["mountPath"] == str(looked_for.parent)
    ]
    # Without `subPath`: a file that is mounted alone never changes.
    assert set(mount) == {"name", "mountPath", "readOnly"}
    [volume] = [v for v in pod["spec"]["volumes"] if v["name"] == mount["name"]]
    text = of_kind(overlay, "ConfigMap")[volume["configMap"]["name"]]["data"][looked_for.name]
    assert text == (ROOT / "deploy/rules/rules.yaml").read_text(encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    assert load_rules(tmp_path / "rules.yaml")


@overlays
def test_the_route_file_of_a_secret_is_where_notify_looks(overlay: str, tmp_path: Path) -> None:
    plain = pods(overlay)["notify"]
    mine = with_component(overlay, "routes", tmp_path.resolve())
    [deployment] = [o for o in build(mine) if (o["kind"], o["metadata"]["name"]) == NOTIFY]
    kubernetes_validate.validate(deployment, OLDEST, strict=True)
    pod = deployment["spec"]["template"]
    looked_for = Path(environment(mine, pod)["LANGNGHE_ROUTES"])
    [mount] = [
        m for m in container(pod)["volumeMounts"] if m not in container(plain)["volumeMounts"]
    ]
    assert mount == {"name": "routes", "mountPath": str(looked_for.parent), "readOnly": True}
    [volume] = [v for v in pod["spec"]["volumes"] if v not in plain["spec"]["volumes"]]
    assert volume["name"] == "routes"
    assert volume["secret"] == {"secretName": "notify-routes", "defaultMode": 0o440}
    page = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    assert f"| `notify-routes` | `{looked_for.name}`" in page
    before = container(plain)["env"]
    assert [v for v in container(pod)["env"] if v not in before] == [
        {"name": "LANGNGHE_ROUTES", "value": str(looked_for)}
    ]


@overlays
def test_the_public_reaches_the_gateway_and_nothing_else(overlay: str) -> None:
    ingress = the(overlay, "Ingress")["spec"]
    [host] = {*ingress["tls"][0]["hosts"], *(rule["host"] for rule in ingress["rules"])}
    assert environment(overlay, pods(overlay)["notify"])["LANGNGHE_PUBLIC_URL"] == f"https://{host}"
    entrance = the(overlay, "Service")
    [path] = ingress["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
    assert entrance["metadata"]["name"] == "gateway"
    [port] = entrance["spec"]["ports"]
    [behind] = [
        p["containerPort"]
        for p in container(pods(overlay)["gateway"])["ports"]
        if p["name"] == port["targetPort"]
    ]
    assert behind == GatewaySettings.model_fields["http_port"].default
    assert behind != GatewaySettings.model_fields["ops_port"].default
    taken = [n for n, p in pods(overlay).items() if selected(entrance["spec"]["selector"], p)]
    assert taken == ["gateway"]


def selected(labels: dict[str, str], pod: Manifest) -> bool:
    return selects({"matchLabels": labels}, pod["metadata"]["labels"])


@each_service
def test_a_drained_node_takes_one_instance_at_a_time(overlay: str, name: str) -> None:
    budgets = [
        budget["spec"]
        for budget in of_kind(overlay, "PodDisruptionBudget").values()
        if selects(budget["spec"]["selector"], pods(overlay)[name]["metadata"]["labels"])
    ]
    # At least one may go always: else a single instance keeps a node from being drained.
    assert [budget["maxUnavailable"] for budget in budgets] == [1]
    spread = pods(overlay)[name]["spec"]["topologySpreadConstraints"]
    assert {s["topologyKey"] for s in spread} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    for constraint in spread:
        assert selects(constraint["labelSelector"], pods(overlay)[name]["metadata"]["labels"])
