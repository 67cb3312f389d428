"""Which changes of indices a page is told of."""

import pytest

from services.gateway.published.wanted import Wanted

ABOVE = {
    "unit:1": ["commune:00004", "province:01", "country"],
    "unit:2": ["ministry:G09", "country"],
    "commune:00004": ["province:01", "country"],
    "province:01": ["country"],
    "country": ["country"],
    "field:land": ["country"],
}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        pytest.param(Wanted(), set(ABOVE), id="everything"),
        pytest.param(
            Wanted(kinds=frozenset({"country", "province"})), {"country", "province:01"}, id="kinds"
        ),
        pytest.param(Wanted(scopes=frozenset({"commune:00004"})), {"commune:00004"}, id="scopes"),
        pytest.param(Wanted(offices_of=frozenset({"province:01"})), {"unit:1"}, id="offices of"),
        pytest.param(Wanted(offices_of=frozenset({"country"})), {"unit:1", "unit:2"}, id="all"),
        pytest.param(Wanted(offices_of=frozenset({"province:99"})), set(), id="offices of nobody"),
        pytest.param(
            Wanted(
                kinds=frozenset({"country"}),
                scopes=frozenset({"field:land"}),
                offices_of=frozenset({"ministry:G09"}),
            ),
            {"country", "field:land", "unit:2"},
            id="each adds",
        ),
    ],
)
def test_a_page_is_told_of_what_it_asks_for(wanted: Wanted, told: set[str]) -> None:
    assert {scope for scope, above in ABOVE.items() if wanted.has(scope, above)} == told
