"""What is done to the system and when: drawn from a seed, the same for the same seed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from deploy.local.stack import SERVICES

SERVERS: Final = ("kafka", "mongod")


class Kind(StrEnum):
    """A way to do harm."""

    KILL = "kill"
    """SIGKILL; whoever supervises starts it again."""
    RESTART = "restart"
    """SIGTERM: it ends in order and is started again."""
    FREEZE = "freeze"
    """SIGSTOP, later SIGCONT: a zombie that wakes and believes it is still in charge."""
    CUT = "cut"
    """Every connection to a server is reset, new ones too."""
    DELAY = "delay"
    """Every chunk to and from a server waits."""
    SECOND = "second"
    """Another instance of a service joins and leaves: partitions change hands twice."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        at: seconds after the load began.
        kind: what.
        target: a service or a server.
        lasts: seconds until it is undone; 0 where nothing has to be.
        delay: seconds a chunk waits, for DELAY.
    """

    at: float
    kind: Kind
    target: str
    lasts: float = 0.0
    delay: float = 0.0

    def __str__(self) -> str:
        """What is done, for people."""
        return f"{self.kind} {self.target}" + (f" for {self.lasts:.1f} s" if self.lasts else "")


# Consumers leave their group after 10 s of silence: a frozen service has to sleep past that.
LASTS: Final[Mapping[tuple[Kind, str], tuple[float, float]]] = {
    **{(Kind.KILL, name): (0, 0) for name in (*SERVICES, *SERVERS)},
    **{(Kind.RESTART, name): (0, 0) for name in SERVERS},
    **{(Kind.FREEZE, name): (12, 16) for name in ("ingest", "scoring", "notify")},
    (Kind.FREEZE, "gateway"): (2, 5),
    **{(Kind.FREEZE, name): (2, 14) for name in SERVERS},
    **{(Kind.CUT, name): (0.5, 4) for name in SERVERS},
    **{(Kind.DELAY, name): (3, 8) for name in SERVERS},
    **{(Kind.SECOND, name): (8, 15) for name in ("ingest", "scoring", "notify")},
}
"""Everything that can be done, and the least and most seconds that it lasts."""


def draw(number: int, seconds: float, seed: int) -> list[Fault]:
    """A schedule.

    Args:
        number: of faults. Every kind at every target comes before any comes again.
        seconds: that the load lasts; all faults begin in its first nine tenths.
        seed: of all chance.
    """
    random = Random(f"chaos/{seed}")  # noqa: S311  # reproducible on purpose
    moments = sorted(random.uniform(0.05, 0.9) * seconds for _ in range(number))
    victims: list[tuple[Kind, str]] = []
    while len(victims) < number:
        victims += random.sample(sorted(LASTS), len(LASTS))
    faults: list[Fault] = []
    for at, (kind, target) in zip(moments, victims, strict=False):
        lasts = random.uniform(*LASTS[kind, target])
        delay = random.uniform(0.02, 0.2) if kind is Kind.DELAY else 0.0
        faults.append(Fault(round(at, 2), kind, target, round(lasts, 2), round(delay, 3)))
    return faults
