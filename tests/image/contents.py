"""What an image holds, and what none of ours may hold."""

import json
from collections.abc import Callable

from tests.image.containers import ContainerError, RehearsalError, docker

_UNWANTED = r"""
find / -xdev -type f -perm /6000 -printf 'raises the rights of who runs it: %p\n'
find / -xdev ! -type l -perm -0002 ! -perm -1000 ! -path '/dev/*' -printf 'anybody may write: %p\n'
find /app /opt/langnghe ! -user root -printf 'not of root: %p\n'
find /app ! -type l ! -perm -0004 -printf 'its user cannot read: %p\n'
find /app \( -name '*.pem' -o -name '*.key' -o -name '.env' -o -name '.git*' -o -name tests \
  -o -name docs -o -name __pycache__ -o -name '*.pyc' \) -printf 'not of the product: %p\n'
find /opt/langnghe -maxdepth 5 \( -name pip -o -name setuptools \) -printf 'not for a run: %p\n'
find /root /home /tmp /var/tmp -xdev \( -name '.cache' -o -name 'pip*' \) -printf 'left over: %p\n'
"""


async def examine(image: str, tell: Callable[[str], None]) -> None:
    """Look at what an image holds, and whether its health check tells the healthy from the rest.

    Args:
        image: that the engine has.
        tell: gets a line for whatever is as it should be.

    Raises:
        RehearsalError: when something is not.
    """
    found = await docker(
        *("run", "--rm", "--network", "none", "--user", "0:0", "--entrypoint", "sh"),
        *(image, "-c", _UNWANTED),
    )
    if found:
        msg = f"the image holds what it must not:\n{found}"
        raise RehearsalError(msg)
    known = json.loads(await docker("image", "inspect", image))[0]
    number = len(known["RootFS"]["Layers"])
    tell(f"{known['Size'] / 1e6:.0f} MB in {number} layers, nothing in them that must not be")
    try:
        await docker("run", "--rm", "--entrypoint", "python3", image, "-m", "deploy.image.alive")
    except ContainerError:
        tell("its health check says no where no service runs")
        return
    msg = "its health check says yes where no service runs"
    raise RehearsalError(msg)
