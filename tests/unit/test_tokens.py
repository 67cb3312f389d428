"""Dossier tokens: what was sealed is what is opened, and nothing else is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.feedback import Stage
from services.gateway.intake.tokens import Token, TokenError, digest, issue, open_token, seal
from tests.builders import UNIT

KEY = b"a key of tokens, for tests, 32 or more"
TODAY = date(2026, 11, 22)


def token(stage: Stage = Stage.RESULT, good_until: date = TODAY) -> Token:
    return issue(UNIT, stage, good_until)


@pytest.mark.parametrize("stage", Stage)
def test_a_token_says_what_it_was_made_of(stage: Stage) -> None:
    made = token(stage)
    printed = seal(made, KEY)
    assert len(printed) == 58
    assert open_token(printed, KEY, TODAY) == made


@given(place=st.integers(0, 57), letter=st.sampled_from("ABCDEFGHIJKLMNOPabcdefgh0123456789-_"))
def test_a_token_that_was_changed_is_none(place: int, letter: str) -> None:
    printed = seal(Token(UNIT, Stage.RESULT, TODAY, bytes(10)), KEY)
    changed = printed[:place] + letter + printed[place + 1 :]
    if changed != printed:
        with pytest.raises(TokenError, match="issued here"):
            open_token(changed, KEY, TODAY)


@pytest.mark.parametrize("text", ["", "x", "ä" * 58, "A" * 58, "A" * 57, "A" * 64, "!" * 58])
def test_what_is_no_token_is_none(text: str) -> None:
    with pytest.raises(TokenError, match="issued here"):
        open_token(text, KEY, TODAY)


def test_a_token_of_another_key_is_none() -> None:
    with pytest.raises(TokenError, match="issued here"):
        open_token(seal(token(), KEY), KEY[::-1], TODAY)


def test_a_token_has_a_last_day() -> None:
    printed = seal(token(good_until=TODAY), KEY)
    open_token(printed, KEY, TODAY)
    with pytest.raises(TokenError, match="was good until 2026-11-22"):
        open_token(printed, KEY, date(2026, 11, 23))


def test_digests_tell_tokens_apart_and_hold_nothing_of_them() -> None:
    one, two = token(), token()
    assert digest(one) != digest(two)
    assert digest(one) == digest(open_token(seal(one, KEY), KEY, TODAY))
    assert digest(one) not in seal(one, KEY)
