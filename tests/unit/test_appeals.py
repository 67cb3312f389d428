"""Who may appeal a rating and who may decide, for each combination of office, filer and decider."""

from datetime import date
from itertools import product

import pytest

from method.appeals import Party, decision_refused, filing_refused
from schemas.registry import EntryKind, Registry
from schemas.scope import COUNTRY
from tests.builders import OTHER_UNIT, UNIT, entry, small_registry

OFFICE, BESIDE = f"unit:{UNIT}", f"unit:{OTHER_UNIT}"
COMMUNE, PROVINCE, MINISTRY = "commune:00004", "province:01", "ministry:G09"
SCOPES = (OFFICE, BESIDE, COMMUNE, PROVINCE, MINISTRY, COUNTRY)
REGISTRY = Registry(small_registry())
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(("office", "agency"), list(product((OFFICE, BESIDE), SCOPES)))
def test_only_the_office_itself_appeals(office: str, agency: str) -> None:
    refused = filing_refused(Party("lan", agency), office, REGISTRY, TODAY)
    assert (refused is None) == (agency == office)


ABOVE = {OFFICE: {COMMUNE, PROVINCE, COUNTRY}, BESIDE: {PROVINCE, COUNTRY}}


@pytest.mark.parametrize(
    ("office", "agency", "same"), list(product((OFFICE, BESIDE), SCOPES, (True, False)))
)
def test_somebody_else_of_an_agency_above_the_office_decides(
    office: str, agency: str, same: bool
) -> None:
    by = Party("lan" if same else "minh", agency)
    refused = decision_refused(Party("lan", office), by, REGISTRY, TODAY)
    assert (refused is None) == (not same and agency in ABOVE[office])
    if same:
        assert refused is not None
        assert "who filed" in refused


def test_an_office_that_ended_leaves_its_appeals_to_those_above_its_heir() -> None:
    gone = "unit:000.00.22.H26"
    ended = date(2026, 7, 1)
    registry = Registry(
        [
            *small_registry(),
            entry(EntryKind.UNIT, "000.00.22.H26", COMMUNE, successors=(BESIDE,), valid_to=ended),
        ]
    )
    filed = Party("lan", gone)
    for agency, may in ((gone, False), (BESIDE, False), (COMMUNE, False), (PROVINCE, True)):
        assert (decision_refused(filed, Party("minh", agency), registry, TODAY) is None) is may
    assert filing_refused(Party("lan", BESIDE), gone, registry, TODAY) is None
    nowhere = Registry([entry(EntryKind.UNIT, "000.00.22.H26", COMMUNE, valid_to=ended)])
    assert filing_refused(Party("an", COUNTRY), gone, nowhere, TODAY) is not None
