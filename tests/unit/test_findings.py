"""What stands out, and how often something is said to that does not."""

from random import Random

from method.findings import Split, hours_standing_out, items_standing_out

ITEMS = ("access", "procedures", "civil_servants", "results", "complaints")


def test_an_hour_stands_out_among_the_others() -> None:
    hours = {f"{hour:02d}": Split(4, 40) for hour in range(7, 17)}
    assert hours_standing_out(hours) == []
    assert hours_standing_out(hours | {"09": Split(20, 40), "10": Split(15, 40)}) == ["09", "10"]


def test_where_all_hours_are_bad_none_stands_out() -> None:
    assert hours_standing_out({f"{hour:02d}": Split(30, 40) for hour in range(7, 17)}) == []
    assert hours_standing_out({"07": Split(30, 40)}) == []
    assert hours_standing_out({}) == []


def test_a_question_stands_out_when_more_of_the_dissatisfaction_is_about_it() -> None:
    before = {item: Split(20, 200) for item in ITEMS}
    since = {item: Split(12, 100) for item in ITEMS} | {"civil_servants": Split(60, 100)}
    assert items_standing_out(since, before) == ["civil_servants"]


def test_where_all_questions_fell_alike_none_stands_out() -> None:
    before = {item: Split(20, 200) for item in ITEMS}
    assert items_standing_out({item: Split(60, 100) for item in ITEMS}, before) == []


def test_without_a_past_no_question_stands_out() -> None:
    since = {item: Split(2, 10) for item in ITEMS} | {"access": Split(9, 10)}
    assert items_standing_out(since, {}) == []


def test_hours_are_seldom_named_wrongly_though_many_answers_are_bad() -> None:
    random = Random(5)
    rounds = 1_500
    wrong = 0
    for _ in range(rounds):
        hours = {f"{hour:02d}": Split(_hits(random, 25, 0.35), 25) for hour in range(7, 17)}
        wrong += bool(hours_standing_out(hours))
    assert wrong / rounds < 0.05


def test_questions_are_seldom_named_wrongly_though_all_fell() -> None:
    """Also where one citizen's marks go together: the temper of each moves all five."""
    random = Random(7)
    rounds = 600
    wrong = 0
    for _ in range(rounds):
        before, since = _marks(random, 200, 0.1), _marks(random, 80, 0.3)
        wrong += bool(items_standing_out(since, before))
    assert wrong / rounds < 0.05


def _hits(random: Random, trials: int, share: float) -> int:
    return sum(random.random() < share for _ in range(trials))


def _marks(random: Random, citizens: int, share: float) -> dict[str, Split]:
    bad = dict.fromkeys(ITEMS, 0)
    for _ in range(citizens):
        temper = 2 * share if random.random() < 0.5 else 0.0
        for item in ITEMS:
            bad[item] += random.random() < temper
    return {item: Split(number, citizens) for item, number in bad.items()}
