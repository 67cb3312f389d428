"""MongoDB is set up alike wherever we start it."""

import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from deploy.local.mongo_server import NEVER_SLOW, TRANSACTION_SECONDS
from tests.manifests import OVERLAYS, the

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


def test_compose_starts_it_as_this_machine_does() -> None:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    arguments = shlex.split(services["mongodb"]["command"])
    asked = dict(pairwise(arguments))
    assert asked["--slowms"] == str(NEVER_SLOW)
    assert asked["--setParameter"] == f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_its_operator_starts_it_so_too(overlay: str) -> None:
    assert the(overlay, "MongoDBCommunity")["spec"]["additionalMongodConfig"] == {
        "operationProfiling.slowOpThresholdMs": NEVER_SLOW,
        "setParameter.transactionLifetimeLimitSeconds": TRANSACTION_SECONDS,
    }
