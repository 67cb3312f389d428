"""One alert in one sentence, for whoever hears of several, or on a small screen."""

from typing import Final

from schemas.alert import AlertChanged, AlertState, Evidence
from schemas.kiosk import KioskSilence
from schemas.registry import RegistryEntry
from services.notify.wording.figures import (
    WINDOWS,
    Words,
    english_number,
    local_time,
    vietnamese_number,
)

_KINDS: Final = {
    "change": Words("mức hài lòng giảm so với thường lệ", "satisfaction fell below what is usual"),
    "drop": Words("mức hài lòng giảm so với giai đoạn trước", "satisfaction fell"),
    "drift": Words("mức hài lòng giảm dần", "satisfaction has been falling slowly"),
    "below_target": Words("mức hài lòng dưới mục tiêu", "satisfaction is below target"),
    "silent_kiosk": Words("kiosk mất tín hiệu", "kiosks give no sign of life"),
}
_OVER: Final = Words("đã phục hồi", "has recovered")


def sentence(event: AlertChanged, office: RegistryEntry | None, p: float | None = None) -> Words:
    """What happened where, on what it rests, since when.

    Args:
        event: the change of the alert.
        office: what the alert is about; None for the country or a name that is gone.
        p: how likely chance alone does that, of a soft fall.
    """
    vi, en = (office.name_vi, office.name_en) if office else (event.scope, event.scope)
    kind = _KINDS.get(event.kind, Words(event.kind, event.kind))
    if event.state is AlertState.RESOLVED:
        vi, en = f"{vi}: {kind.vi}, {_OVER.vi}", f"{en}: {kind.en}, {_OVER.en}"
    else:
        vi, en = f"{vi}: {kind.vi}", f"{en}: {kind.en}"
    more = _evidence(event.evidence)
    vi, en = vi + more.vi, en + more.en
    if p is not None:
        vi += f" (p = {p:.4f})".replace(".", ",")
        en += f" (p = {p:.4f})"
    moment = local_time(event.opened_at)
    return Words(f"{vi}; từ {moment}.", f"{en}; since {moment}.")


def _evidence(evidence: Evidence | KioskSilence) -> Words:
    """What an alert rests on, to go on with a sentence."""
    if isinstance(evidence, KioskSilence):
        silent = f"{len(evidence.kiosks)}/{evidence.of}"
        return Words(f"; {silent} kiosk", f"; {silent} kiosks")
    figure = evidence.current
    if figure.index is None:
        return Words("", "")
    window = WINDOWS.get(evidence.window, Words(evidence.window, evidence.window))
    return Words(
        f"; {window.vi} {vietnamese_number(figure.index)} % trên {figure.n} lượt trả lời",
        f"; {english_number(figure.index)}% of {figure.n} answers in {window.en}",
    )
