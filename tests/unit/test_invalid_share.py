"""When ingest would rather stop than set more aside."""

import pytest

from method.counted import Exclusion
from services.ingest.limit import InvalidShare
from services.ingest.settings import IngestSettings
from services.runtime.consumer import HaltError

BAD, LATE = Exclusion.MALFORMED, Exclusion.LATE
SETTINGS = IngestSettings(invalid_share_limit=0.5, invalid_share_window=10, invalid_share_minimum=4)


@pytest.mark.parametrize(
    ("before", "batch", "stops"),
    [
        ([], [BAD] * 3, False),
        ([], [BAD] * 4, True),
        ([BAD] * 3, [BAD], True),
        ([None, None], [BAD, BAD], False),
        ([None, None], [BAD, BAD, BAD], True),
        ([], [None] * 2 + [BAD] * 3 + [None] * 20, True),
        ([], [LATE] * 30, False),
        ([BAD] * 3, [None] * 30, False),
        ([BAD] * 3, [None, LATE, None], False),
        ([None] * 100, [BAD] * 5, False),
        ([None] * 100, [BAD] * 6, True),
        ([BAD, BAD, *[None] * 8], [BAD] * 5, False),
        ([*[None] * 8, BAD, BAD], [BAD] * 4, True),
    ],
    ids=str,
)
def test_the_share_is_of_the_last_records_with_the_batch(
    before: list[Exclusion | None], batch: list[Exclusion | None], stops: bool
) -> None:
    share = InvalidShare(SETTINGS)
    share.remember(before)
    for _ in range(3):  # as often as it is tried
        if stops:
            with pytest.raises(HaltError):
                share.check(batch)
        else:
            share.check(batch)


def test_it_says_what_and_how_much_and_how_to_let_it_pass() -> None:
    share = InvalidShare(SETTINGS)
    with pytest.raises(HaltError) as caught:
        share.check([None, BAD, Exclusion.UNKNOWN_UNIT, BAD])
    assert "3 of the last 4 records" in str(caught.value)
    assert "2 malformed, 1 unknown_unit" in str(caught.value)
    assert "LANGNGHE_INVALID_SHARE_LIMIT=1" in str(caught.value)


def test_a_limit_of_one_lets_everything_pass() -> None:
    share = InvalidShare(SETTINGS.model_copy(update={"invalid_share_limit": 1.0}))
    share.check([BAD] * 100)
