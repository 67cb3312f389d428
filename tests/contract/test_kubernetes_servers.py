"""Kafka, MongoDB, scaling and network of deploy/kubernetes/: they fit what the code says."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from langnghe import rights
from langnghe.kubernetes import SCALED, kafka_users
from schemas.flow import FLOWS
from schemas.topics import TOPICS
from services.runtime.acls import Operation, Resource, Rule
from tests.manifests import (
    OVERLAYS,
    Manifest,
    container,
    environment,
    of_kind,
    pods,
    secrets,
    selects,
    the,
)

overlays = pytest.mark.parametrize("overlay", OVERLAYS)
PREPARE = "prepare"
HTTP, OPERATIONS, KAFKA, MONGODB = 8080, 8081, 9093, 27017


def listener(overlay: str) -> Manifest:
    [found] = the(overlay, "Kafka")["spec"]["kafka"]["listeners"]
    assert isinstance(found, dict)
    return found


def rules_of(user: Manifest) -> set[Rule]:
    assert user["spec"]["authorization"]["type"] == "simple"
    return {
        Rule(
            Resource[acl["resource"]["type"].upper()],
            acl["resource"]["name"],
            Operation[operation.upper()],
        )
        for acl in user["spec"]["authorization"]["acls"]
        for operation in acl["operations"]
    }


@overlays
def test_topics_are_those_of_the_code(overlay: str) -> None:
    cluster = the(overlay, "Kafka")["metadata"]["name"]
    made = of_kind(overlay, "KafkaTopic")
    assert set(made) == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        assert made[topic.name]["metadata"]["labels"] == {"strimzi.io/cluster": cluster}
        spec = {"partitions": topic.partitions, "config": topic.config}
        assert made[topic.name]["spec"] == spec


@overlays
def test_users_of_kafka_may_do_what_prepare_would_let_them(overlay: str) -> None:
    users = of_kind(overlay, "KafkaUser")
    assert set(users) == {rights.user_of(name) for name in (*rights.OWNED, PREPARE, "keda")}
    for service in rights.OWNED:
        assert rules_of(users[rights.user_of(service)]) == set(rights.kafka_rules(service))
    for user in users.values():
        assert user["spec"]["authentication"] == {
            "type": listener(overlay)["authentication"]["type"]
        }
    for name in (PREPARE, "keda"):
        may = rules_of(users[rights.user_of(name)])
        assert may == set(kafka_users()[name])
        assert not {rule.operation for rule in may} & {Operation.READ, Operation.WRITE}


@overlays
def test_users_of_mongodb_may_do_what_prepare_would_let_them(overlay: str) -> None:
    spec = the(overlay, "MongoDBCommunity")["spec"]
    roles = {role["role"]: role for role in spec["security"]["roles"]}
    users = {user["name"]: user for user in spec["users"]}
    assert set(users) == {rights.user_of(name) for name in (*rights.OWNED, PREPARE)}
    assert set(roles) == {rights.user_of(service) for service in rights.OWNED}
    for service in rights.OWNED:
        name = rights.user_of(service)
        assert users[name]["roles"] == [{"name": name, "db": "langnghe"}]
        granted = {
            privilege["resource"]["collection"]: tuple(privilege["actions"])
            for privilege in roles[name]["privileges"]
        }
        assert granted == rights.privileges(service)
        assert {p["resource"]["db"] for p in roles[name]["privileges"]} == {"langnghe"}
    for name, user in users.items():
        assert user["db"] == "admin"
        password = (user["passwordSecretRef"]["name"], "password")
        pod = pods(overlay)[name.removeprefix("langnghe-")]
        assert password in {(secret, key) for secret, key, _ in secrets(pod)}


@overlays
def test_services_are_told_the_servers_that_are_there(overlay: str) -> None:
    variables = environment(overlay, pods(overlay)["ingest"])
    kafka = the(overlay, "Kafka")["metadata"]["name"]
    assert listener(overlay)["tls"] is True
    assert variables["KAFKA_URL"] == f"{kafka}-kafka-bootstrap:{KAFKA}"
    assert listener(overlay)["port"] == KAFKA
    mongodb = the(overlay, "MongoDBCommunity")["metadata"]
    url = urlsplit(variables["MONGO_URL"])
    assert url.hostname == f"{mongodb['name']}-svc.{mongodb['namespace']}.svc.cluster.local"
    assert url.port == MONGODB
    assert parse_qs(url.query) == {"replicaSet": [mongodb["name"]]}


@overlays
def test_copies_are_as_many_as_there_are_nodes(overlay: str) -> None:
    nodes = the(overlay, "KafkaNodePool")["spec"]["replicas"]
    config = the(overlay, "Kafka")["spec"]["kafka"]["config"]
    copies = config["default.replication.factor"]
    assert copies == min(nodes, 3)
    assert config["min.insync.replicas"] == max(1, copies - 1)
    assert container(pods(overlay)[PREPARE])["args"][-1] == str(copies)
    assert the(overlay, "MongoDBCommunity")["spec"]["members"] == copies
    assert config["auto.create.topics.enable"] is False


def test_the_nation_has_three_of_what_holds_data_and_the_pilot_one() -> None:
    assert the("national", "KafkaNodePool")["spec"]["replicas"] == 3
    assert the("small", "KafkaNodePool")["spec"]["replicas"] == 1


def test_the_pilot_runs_one_of_each() -> None:
    assert not of_kind("small", "ScaledObject", "HorizontalPodAutoscaler")
    assert {d["spec"].get("replicas", 1) for d in of_kind("small", "Deployment").values()} == {1}


def test_scaling_goes_by_lag_and_never_beyond_the_partitions() -> None:
    scaled = of_kind("national", "ScaledObject")
    assert set(scaled) == set(SCALED)
    keda = rules_of(of_kind("national", "KafkaUser")["langnghe-keda"])
    for service, scaling in scaled.items():
        spec = scaling["spec"]
        assert spec["scaleTargetRef"] == {"name": service}
        [topic] = FLOWS[service].receives
        assert 2 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= topic.partitions
        [trigger] = spec["triggers"]
        assert trigger["type"] == "kafka"
        told = trigger["metadata"]
        assert (told["topic"], told["consumerGroup"]) == (topic.name, service)
        assert told["bootstrapServers"] == f"langnghe-kafka-bootstrap.langnghe.svc:{KAFKA}"
        assert (told["sasl"], told["tls"]) == ("scram_sha512", "enable")
        assert Rule(Resource.GROUP, service, Operation.DESCRIBE) in keda
        assert Rule(Resource.TOPIC, topic.name, Operation.DESCRIBE) in keda
        assert trigger["authenticationRef"]["name"] in of_kind("national", "TriggerAuthentication")
    [name] = the("national", "TriggerAuthentication")["spec"]["configMapTargetRef"]
    told = of_kind("national", "ConfigMap")[name["name"]]["data"]
    assert told[name["key"]] in of_kind("national", "KafkaUser")


def test_what_is_scaled_has_no_fixed_number() -> None:
    """Else every `kubectl apply` would set it back."""
    gateway = the("national", "HorizontalPodAutoscaler")["spec"]
    assert gateway["scaleTargetRef"]["name"] == "gateway"
    assert gateway["minReplicas"] >= 3
    for name in ("gateway", *SCALED):
        assert "replicas" not in of_kind("national", "Deployment")[name]["spec"]


def labels_of_pods(overlay: str) -> dict[str, dict[str, str]]:
    """Labels of all pods, those that operators make too, as those put them on."""
    cluster = the(overlay, "Kafka")["metadata"]["name"]
    mongodb = the(overlay, "MongoDBCommunity")["spec"]["statefulSet"]["spec"]["template"]
    return {
        **{name: pod["metadata"]["labels"] for name, pod in pods(overlay).items()},
        "kafka": {"strimzi.io/cluster": cluster, "strimzi.io/kind": "Kafka"},
        "mongodb": mongodb["metadata"]["labels"],
    }


def policies(overlay: str) -> list[dict[str, Any]]:
    return [policy["spec"] for policy in of_kind(overlay, "NetworkPolicy").values()]


@overlays
def test_every_pod_is_shut_but_for_what_is_said(overlay: str) -> None:
    """Every direction of every pod has a policy, that opens it for named ones alone."""
    [shut] = [policy for policy in policies(overlay) if policy["podSelector"] == {}]
    assert shut == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, labels in labels_of_pods(overlay).items():
        own = [
            p for p in policies(overlay) if p["podSelector"] and selects(p["podSelector"], labels)
        ]
        assert own, f"{name}: nothing but default-deny"
        for policy in own:
            for rule in policy.get("ingress", ()):
                assert rule["from"], f"{name}: open to everybody"
                assert rule["ports"], f"{name}: open at every port"


def reached(overlay: str, name: str) -> set[int]:
    """Ports of pods in our namespace, and of the outside, that a pod may open."""
    every = labels_of_pods(overlay)
    out = [
        rule
        for policy in policies(overlay)
        if "Egress" in policy["policyTypes"] and selects(policy["podSelector"], every[name])
        for rule in policy.get("egress", ())
    ]
    return {port["port"] for rule in out for port in rule["ports"]}


@overlays
def test_services_get_to_the_servers_and_only_notify_to_the_internet(overlay: str) -> None:
    servers = {53, KAFKA, MONGODB}
    for name in ("gateway", "ingest", "scoring", PREPARE):
        assert reached(overlay, name) == servers
    assert reached(overlay, "notify") == servers | {25, 443, 465, 587}
    blocks = [
        peer["ipBlock"]
        for policy in policies(overlay)
        for rule in policy.get("egress", ())
        for peer in rule.get("to", ())
        if "ipBlock" in peer
    ]
    [block] = blocks
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} <= set(block["except"])


def let_in(overlay: str, name: str, port: int) -> set[str]:
    """Who may open a port of a pod: pods of ours by name, and roles of other namespaces."""
    every = labels_of_pods(overlay)
    sources = [
        source
        for policy in policies(overlay)
        if "Ingress" in policy["policyTypes"] and selects(policy["podSelector"], every[name])
        for rule in policy.get("ingress", ())
        if port in {opened["port"] for opened in rule["ports"]}
        for source in rule["from"]
    ]
    if name == "kafka":
        sources += listener(overlay)["networkPolicyPeers"]
    found: set[str] = set()
    for source in sources:
        if "namespaceSelector" in source:
            found.add(source["namespaceSelector"]["matchLabels"]["langnghe-role"])
        else:
            found |= {n for n, labels in every.items() if selects(source["podSelector"], labels)}
    return found


@overlays
def test_who_is_let_in(overlay: str) -> None:
    ours = {*rights.OWNED, PREPARE}
    assert let_in(overlay, "gateway", HTTP) == {"ingress"}
    for service in rights.OWNED:
        assert let_in(overlay, service, OPERATIONS) == {"monitoring"}
    for service in ("ingest", "scoring", "notify"):
        assert not let_in(overlay, service, HTTP)
    assert let_in(overlay, "kafka", KAFKA) == ours | {"keda"}
    assert let_in(overlay, "mongodb", MONGODB) == ours | {"mongodb"}
