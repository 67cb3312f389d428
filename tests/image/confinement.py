"""What the container of a service may do: its work, and nothing else."""

from tests.image.containers import Compose, RehearsalError, docker

_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


async def confined(compose: Compose, service: str) -> None:
    """Look at a container that runs, by what the kernel says of its process.

    Raises:
        RehearsalError: when it is not healthy, or may do more than it needs.
    """
    known = await compose.inspect(service)
    changed = await docker("diff", known["Id"])
    inside = await docker("exec", known["Id"], "cat", "/proc/1/status", "/proc/mounts")
    lines = inside.splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    root = next(line.split() for line in lines if line.split()[1:2] == ["/"])
    faults = {
        "is not healthy": known["State"]["Health"]["Status"] != "healthy",
        "does not run as 10001 alone": {*status["Uid"], *status["Gid"]} != {"10001"},
        "has capabilities": any(int(status[kind][0], 16) for kind in _SETS),
        "may gain rights": status["NoNewPrivs"] != ["1"],
        "may write into its root file system": "ro" not in root[3].split(","),
        f"has changed files:\n{changed}": bool(changed),
    }
    if found := [fault for fault, holds in faults.items() if holds]:
        msg = f"{service} {'; '.join(found)}"
        raise RehearsalError(msg)
