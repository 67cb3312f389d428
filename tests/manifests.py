"""The objects of deploy/kubernetes/, as Kubernetes' own tool puts them together."""

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from schemas.export import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAYS = ("small", "national")

Manifest = dict[str, Any]


@cache
def build(overlay: str) -> tuple[Manifest, ...]:
    """All objects of an overlay."""
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    done = subprocess.run(  # noqa: S603  # nothing here comes from outside
        [kubectl, "kustomize", FOLDER / overlay], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return tuple(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def with_component(overlay: str, component: str, folder: Path) -> str:
    """An overlay of somebody's own, made in a folder, with a component; as `build` takes it."""
    parts = {
        "resources": [os.path.relpath(FOLDER / overlay, folder)],
        "components": [os.path.relpath(FOLDER / component, folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(parts), encoding="utf-8")
    return str(folder)


def of_kind(overlay: str, *kinds: str) -> dict[str, Manifest]:
    """Objects of these kinds by name."""
    return {o["metadata"]["name"]: o for o in build(overlay) if o["kind"] in kinds}


def the(overlay: str, kind: str) -> Manifest:
    """The only object of a kind."""
    [found] = of_kind(overlay, kind).values()
    return found


def pods(overlay: str) -> dict[str, Manifest]:
    """Templates of our own pods by name: the services and prepare."""
    return {n: o["spec"]["template"] for n, o in of_kind(overlay, "Deployment", "Job").items()}


def container(pod: Manifest) -> Manifest:
    """The only container of a pod."""
    every: list[Manifest] = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
    [found] = every
    return found


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector of labels takes an object; by labels alone, as ours all are."""
    assert set(selector) <= {"matchLabels"}, "a selector of another form: teach this to read it"
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def environment(overlay: str, pod: Manifest) -> dict[str, str]:
    """Variables of a pod's container: those of its ConfigMaps, then its own."""
    variables: dict[str, str] = {}
    for source in container(pod).get("envFrom", ()):
        variables |= of_kind(overlay, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return variables | {v["name"]: v["value"] for v in container(pod).get("env", ())}


def secrets(pod: Manifest) -> Iterator[tuple[str, str, str]]:
    """Every file from a secret: the secret's name, its key, the file's path in the container."""
    mounted = {m["name"]: m["mountPath"] for m in container(pod)["volumeMounts"]}
    for volume in pod["spec"]["volumes"]:
        for source in volume.get("projected", {}).get("sources", ()):
            for item in source["secret"]["items"]:
                path = f"{mounted[volume['name']]}/{item['path']}"
                yield source["secret"]["name"], item["key"], path
