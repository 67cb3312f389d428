"""Who is told of an alert and when: the table by example, and what must hold whatever happens."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertState, Handling, Held, HeldBy
from services.notify.alerts.lifecycle import Alert, advance, open_alert
from services.notify.alerts.telling import Occasion, tell
from services.notify.rules.detectors import Reading
from services.notify.rules.kinds import Drop
from tests.builders import NOW, UNIT
from tests.unit.test_lifecycle import EVIDENCE, RAISED, RECOVERED

HOUR = timedelta(hours=1)
SILENCE = Held(by=HeldBy.SILENCE, until=NOW + 9 * HOUR)
OTHER_RULE = Held(by=HeldBy.RULE, rule="silent")
RULE = Drop.model_validate(
    {
        "id": "d",
        "kind": "drop",
        "scopes": ["unit"],
        "window": "7d",
        "for": "0s",
        "keep_firing_for": "0s",
        "severity": "critical",
        "acknowledge_within": "5h",
        "repeat_every": "2h",
    }
)
LEVELS = 2


@dataclass
class Life:
    """An alert that is looked at now and then."""

    hour: float = 0
    alert: Alert | None = None
    told: list[tuple[float, Occasion]] = field(default_factory=list)

    def look(self, hour: float, held: Held | None = None, reading: Reading = RAISED) -> Alert:
        """Look at a moment: with what holds back, and how the index reads."""
        self.hour = hour
        now = NOW + hour * HOUR
        before = self.alert
        if before is None:
            after = open_alert(RULE, f"unit:{UNIT}", 1, EVIDENCE, now)
        else:
            after = advance(replace(before, reading=reading), RULE, now)
        telling = tell(before, after, RULE, held, LEVELS, now)
        if telling.occasion is not None:
            self.told.append((hour, telling.occasion))
        self.alert = telling.alert
        return telling.alert

    def answered(self) -> None:
        assert self.alert is not None
        self.alert = replace(
            self.alert, handling=Handling.ACKNOWLEDGED, revision=self.alert.revision + 1
        )


FIRES, OVERDUE, REMINDER, OVER = Occasion


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([(0, None), (1, None)], [(0, FIRES)]),
        # Held from the start: told when the hold ends, and then once.
        ([(0, SILENCE), (1, SILENCE), (9, None), (10, None)], [(9, FIRES)]),
        ([(0, OTHER_RULE), (3, None)], [(3, FIRES)]),
        # One hold after another is one hold.
        ([(0, OTHER_RULE), (1, SILENCE), (2, OTHER_RULE), (3, None)], [(3, FIRES)]),
        # Those who know are not told again because a hold ended.
        ([(0, None), (1, SILENCE), (1.5, None)], [(0, FIRES)]),
        # Reminders, and the level above when the answer is due; neither while it is held back.
        (
            [(hour, None) for hour in range(8)],
            [(0, FIRES), (2, REMINDER), (4, REMINDER), (5, OVERDUE), (7, REMINDER)],
        ),
        ([(0, None), *((hour, SILENCE) for hour in range(1, 8))], [(0, FIRES)]),
        # The time for an answer begins when they hear of it, and begins anew after a hold.
        (
            [(0, SILENCE), (6, None), (10, None), (11, None)],
            [(6, FIRES), (10, REMINDER), (11, OVERDUE)],
        ),
    ],
)
def test_the_table_while_it_fires(
    looks: list[tuple[float, Held | None]], told: list[tuple[float, Occasion]]
) -> None:
    life = Life()
    for hour, held in looks:
        life.look(hour, held)
    assert life.told == told


@pytest.mark.parametrize("held", [None, SILENCE, OTHER_RULE])
def test_that_it_is_over_hear_those_who_heard_that_it_fired(held: Held | None) -> None:
    heard, not_heard = Life(), Life()
    heard.look(0)
    not_heard.look(0, SILENCE)
    for life in (heard, not_heard):
        assert life.look(1, held, RECOVERED).state is AlertState.RESOLVED
        assert life.alert is not None
        assert life.alert.held is None
    assert heard.told == [(0, FIRES), (1, OVER)]
    assert not_heard.told == []


def test_who_has_answered_is_not_reminded() -> None:
    life = Life()
    life.look(0)
    life.answered()
    for hour in range(1, 5):
        life.look(hour)
    assert life.told == [(0, FIRES)]


def test_a_hold_is_a_change_that_screens_hear_of() -> None:
    life = Life()
    assert life.look(0).revision == 1
    held = life.look(1, SILENCE)
    assert (held.revision, held.held, held.changed_at) == (2, SILENCE, NOW + HOUR)
    assert life.look(2, SILENCE) == held
    longer = SILENCE.model_copy(update={"until": NOW + 20 * HOUR})
    assert life.look(3, longer).revision == 3
    assert life.look(4).revision == 4


def test_nothing_is_due_by_time_while_it_is_held_back() -> None:
    life = Life()
    assert life.look(0).due(RULE) == NOW + 2 * HOUR
    assert life.look(1, SILENCE).due(RULE) is None
    assert life.look(1.5).due(RULE) == NOW + 2 * HOUR


READINGS = st.sampled_from([RAISED, RAISED, RECOVERED, Reading(raised=False, recovered=False)])
LOOKS = st.lists(
    st.tuples(
        st.floats(0.01, 3),
        st.sampled_from([None, None, SILENCE, OTHER_RULE]),
        READINGS,
        st.booleans(),
    ),
    max_size=25,
)


@given(LOOKS)
def test_whatever_happens_each_is_told_what_they_need_and_nothing_else(
    looks: list[tuple[float, Held | None, Reading, bool]],
) -> None:
    life, held_at_last = Life(), looks[0][1] if looks else None
    life.look(0, held_at_last)
    for pause, held, reading, answers in looks:
        assert life.alert is not None
        if not life.alert.open:
            break
        if answers and life.alert.told_at is not None:
            life.answered()
        before, already = life.alert, len(life.told)
        after = life.look(life.hour + pause, held, reading)
        new = [occasion for _, occasion in life.told[already:]]
        assert after.revision - before.revision in {0, 1}, "a step a revision"
        if new or before.held != after.held or before.state is not after.state:
            assert after.revision == before.revision + 1, "nothing moves without a revision"
        if after.state is AlertState.FIRING:
            assert after.held == held
            assert held is None or new == [], "nothing is told while it is held back"
            assert held is not None or after.told_at is not None, "nobody is left in ignorance"
            assert after.reminder == (new == [REMINDER]) or new == []
    occasions = [occasion for _, occasion in life.told]
    assert occasions.count(FIRES) <= 1
    assert occasions.count(OVER) <= 1
    assert occasions.count(OVERDUE) <= LEVELS
    if occasions:
        assert occasions[0] is FIRES, "first of all they hear that it fires"
    assert life.alert is not None
    if life.alert.state is AlertState.RESOLVED:
        assert (OVER in occasions) == (FIRES in occasions)
    moments = [hour for hour, occasion in life.told if occasion is not OVER]
    reminded = [(hour, what) for hour, what in life.told if what is REMINDER]
    for hour, _ in reminded:
        assert hour - max(m for m in moments if m < hour) >= 2, "not more often than the rule says"
