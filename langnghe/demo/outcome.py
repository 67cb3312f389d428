"""What a demo came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import quantiles


@dataclass
class Outcome:
    """What a demo came to; the JSON that `--json` prints."""

    seconds: float
    rate: float
    sent: int
    acknowledged: int
    refused: int
    counted: int
    duplicates: int
    quarantined: Mapping[str, int]
    lost: int
    counted_twice: int
    out_of_place: int
    phantom: int
    falling: str
    first_alert_seconds: float | None
    delivered: Mapping[str, int]
    alerts_elsewhere: list[str]
    visible_seconds: Mapping[str, float | int]
    recount_differences: int

    @property
    def exact(self) -> bool:
        """Whether every acknowledged answer was counted once, and no other office was blamed."""
        wrong = self.lost + self.counted_twice + self.out_of_place + self.phantom
        return not (wrong or self.recount_differences or self.alerts_elsewhere)

    @property
    def alerted(self) -> bool:
        """Whether the failing office's agency was told by webhook and by e-mail."""
        return {"webhook", "email"} <= self.delivered.keys()


def percentiles(values: list[float]) -> dict[str, float | int]:
    """How values spread; only their number where there are too few to say."""
    if len(values) < 2:
        return {"answers": len(values)}
    cut = quantiles(values, n=100, method="inclusive")
    return {
        "answers": len(values),
        "p50": round(cut[49], 3),
        "p95": round(cut[94], 3),
        "p99": round(cut[98], 3),
        "max": round(max(values), 3),
    }
