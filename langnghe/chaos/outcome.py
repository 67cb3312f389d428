"""What a run of chaos came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulator.agency import Delivery


@dataclass(frozen=True)
class Alerts:
    """What agencies were told.

    Attributes:
        expected: offices that fell.
        missed: of them, those that were not told of by webhook and by e-mail.
        elsewhere: offices that did not fall and were told of.
        two_ids: changes of an alert that one channel told under two message ids, or offices with
            two alerts for one fall.
    """

    expected: int
    missed: list[str]
    elsewhere: list[str]
    two_ids: list[str]


def judge_alerts(fell: Sequence[str], deliveries: Sequence[Delivery]) -> Alerts:
    """Hold what arrived at agencies against what fell. Pure.

    Args:
        fell: agency codes.
        deliveries: everything that arrived.
    """
    firing = [d for d in deliveries if d.state == "firing"]
    told = {(d.scope, d.channel) for d in firing}
    scopes = {f"unit:{unit}" for unit in fell}
    ids: dict[tuple[str, ...], set[str]] = {}
    for delivery in deliveries:
        ids.setdefault((delivery.alert, delivery.state, delivery.channel), set()).add(delivery.id)
    episodes: dict[str, set[str]] = {}
    for delivery in firing:
        episodes.setdefault(delivery.scope, set()).add(delivery.alert)
    return Alerts(
        expected=len(fell),
        missed=sorted(
            f"{scope} by {channel}"
            for scope in scopes
            for channel in ("webhook", "email")
            if (scope, channel) not in told
        ),
        elsewhere=sorted({d.scope for d in firing} - scopes),
        two_ids=sorted(
            [" ".join(key) for key, found in ids.items() if len(found) > 1]
            + [scope for scope, alerts in episodes.items() if len(alerts) > 1]
        ),
    )


@dataclass(frozen=True)
class Outcome:
    """The JSON that `--json` prints.

    Attributes:
        schedule: what was done, and when in the load.
        unacknowledged: answers that no kiosk could hand in, even when all was well again.
        longest_stall_seconds: most between an answer's 202 and its index being visible.
        longest_refusal_seconds: most between two acknowledgements.
        recovery_seconds: from a fault's end until everything that was acknowledged before is
            visible; median and greatest.

    The other names are those of `simulator.ledger.Balance` and of `Alerts`.
    """

    seed: int
    seconds: float
    schedule: list[str]
    sent: int
    acknowledged: int
    unacknowledged: int
    refused: int
    counted: int
    duplicates: int
    quarantined: Mapping[str, int]
    lost: int
    counted_twice: int
    out_of_place: int
    phantom: int
    recount_differences: list[str]
    alerts: Alerts
    longest_stall_seconds: float
    longest_refusal_seconds: float
    recovery_seconds: Mapping[str, float]

    @property
    def good(self) -> bool:
        """Whether the promise was kept."""
        wrong = self.lost + self.counted_twice + self.out_of_place + self.phantom
        alerts = self.alerts
        return not (
            wrong
            or self.unacknowledged
            or self.recount_differences
            or alerts.missed
            or alerts.elsewhere
            or alerts.two_ids
        )
