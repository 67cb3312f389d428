"""Rehearses the image: builds it, runs the services of docker-compose.yml from it, feeds and stops
them.

    python -m tests.image --help

All that docker-compose.yml says of the services holds, but for the network and the addresses: Kafka
and MongoDB are processes of this machine, so no image is needed but the base. What this shows, and
what it cannot show, is in docs/containers.md.
"""

import asyncio
import logging
import sys
import tempfile
from argparse import ArgumentParser
from functools import partial
from pathlib import Path

from deploy.local import ports
from deploy.local.jars import JarError
from deploy.local.kafka_server import KafkaStartError
from deploy.local.mongo_server import MongoStartError
from deploy.local.servers import LocalServers, local_servers
from deploy.local.stack import SERVICES
from langnghe.up import interruptible
from simulator.agency import Agency
from tests.image.confinement import confined
from tests.image.containers import Compose, RehearsalError, docker
from tests.image.contents import examine
from tests.image.feeding import UNIT, feed, registry_row

_FAILED = 1
_BUILT = "langnghe:rehearsal"
_KEY = "rehearsal: not a secret, the receiver is on this machine"
_ASKED = {"LANGNGHE_WEBHOOK_KEY": _KEY}
"""What docker-compose.yml asks of whoever starts it."""
_HEALTHY_WITHIN_SECONDS = 120


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _tell(fact: str) -> None:
    _say(f"  {fact}")


def _environment(servers: LocalServers, gateway_port: int) -> dict[str, dict[str, str]]:
    """What each service is told beyond docker-compose.yml: addresses, and rules that are quick."""
    common = {
        "KAFKA_URL": servers.kafka.url,
        "MONGO_URL": servers.mongo.url,
        "LANGNGHE_HTTP_HOST": "127.0.0.1",
        "LANGNGHE_HTTP_PORT": str(gateway_port),
        "LANGNGHE_OPS_HOST": "127.0.0.1",
    }
    services = {name: {**common, "LANGNGHE_OPS_PORT": str(ports.choose())} for name in SERVICES}
    services["notify"] |= {
        "LANGNGHE_RULES": "/app/deploy/demo/rules.yaml",
        "LANGNGHE_WEBHOOK_PRIVATE_HOSTS": "127.0.0.1",
    }
    return {"prepare": common, **services}


def _units_file(folder: Path, agency: Agency) -> Path:
    """The registry's file of the office, in a folder of its own that another user may read."""
    folder.mkdir()
    file = folder / "units.csv"
    file.write_text(registry_row(agency), encoding="utf-8")
    folder.chmod(0o755)
    file.chmod(0o644)
    return file


async def _prepare(compose: Compose, units: Path) -> None:
    await compose.once("prepare")
    country = [f"deploy/registry/{name}.csv" for name in ("communes", "ministries", "fields")]
    mounted = f"/registry/{units.name}"
    volume = f"{units.parent}:/registry:ro"
    await compose.once("registry", "load", *country, mounted, volume=volume)
    _tell("topics, indexes and the registry are there")


async def _stop(compose: Compose) -> None:
    """Ask the services to stop.

    Raises:
        RehearsalError: when one does not end well within its time of grace.
    """
    await compose("stop", *SERVICES)
    for service in SERVICES:
        code = (await compose.inspect(service))["State"]["ExitCode"]
        if code != 0:
            msg = f"{service} ended with {code}:\n{await compose('logs', '--tail', '20', service)}"
            raise RehearsalError(msg)
    _tell("every service ended with 0, within its time of grace")


async def _run(compose: Compose, agency: Agency, gateway: str, folder: Path) -> None:
    _say("the services, from the image")
    try:
        await _prepare(compose, _units_file(folder / "registry", agency))
        wait = ("--wait", "--wait-timeout", str(_HEALTHY_WITHIN_SECONDS))
        await compose("up", "--detach", "--no-deps", "--no-build", *wait, *SERVICES)
        invite = partial(compose.once, "devices", "invite", f"unit:{UNIT}", "--name", "rehearsal")
        await feed(gateway, invite, agency, folder / "kiosk", _tell)
        await compose.once("verify", "indices")
        _tell("`verify indices` counts the same from the answers that are kept")
        for service in SERVICES:
            await confined(compose, service)
            _tell(f"{service}: healthy, user 10001, no capabilities, root file system read-only")
        await _stop(compose)
    except RehearsalError:
        _say(await compose("logs", "--tail", "50"))
        raise
    finally:
        await compose("down", "--volumes", "--timeout", "5")


async def rehearse(base: str | None, image: str | None) -> None:
    """Build an image unless one is given, and rehearse it.

    Args:
        base: to build on; without it, the one that the Dockerfile names.
        image: that is there already, instead of building one.

    Raises:
        RehearsalError: when something is not as it should be; also KafkaStartError,
            MongoStartError, JarError when there are no servers to rehearse with.
    """
    await docker("info")
    await docker("compose", "--file", "docker-compose.yml", "config", "--quiet", **_ASKED)
    if image is None:
        _say(f"building {_BUILT}")
        on = ("--build-arg", f"BASE={base}") if base else ()
        await docker("build", "--file", "deploy/image/Dockerfile", "--tag", _BUILT, *on, ".")
        image = _BUILT
    _say(f"what {image} holds")
    await examine(image, _tell)
    agency = Agency(_KEY, lambda _: None)
    with tempfile.TemporaryDirectory(prefix="langnghe-rehearsal-") as name:
        folder = Path(name)
        _say("starting Kafka and MongoDB on this machine")
        async with agency.listening(), local_servers(folder) as servers:
            port = ports.choose()
            compose = Compose(folder, image, _environment(servers, port), _ASKED)
            await _run(compose, agency, f"http://127.0.0.1:{port}", folder)


def main() -> int:
    """The command; its exit code."""
    parser = ArgumentParser(
        prog="python -m tests.image",
        description="Build the image, run the services of docker-compose.yml from it beside a "
        "Kafka and a MongoDB of this machine, hand answers in, see the index and the alert, stop.",
        epilog="Needs a Docker engine on this machine, Compose 2, and the extra `local`. "
        "Exit code: 0 all held, 1 something did not, or it was interrupted (the last lines say "
        "what), 2 wrong arguments.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--base", help="image to build on, instead of the one in the Dockerfile")
    which.add_argument("--image", help="an image that is there already, instead of building one")
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # tells of every failed connection

    async def interruptibly() -> None:
        task = asyncio.create_task(rehearse(arguments.base, arguments.image))
        interruptible(task)
        await task

    try:
        asyncio.run(interruptibly())
    except (RehearsalError, JarError, KafkaStartError, MongoStartError) as error:
        _say(str(error))
        return _FAILED
    except asyncio.CancelledError:
        _say("interrupted")
        return _FAILED
    _say("all held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
