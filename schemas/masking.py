"""Hides personal data that people write into free text, before the text can go anywhere.

Masked: e-mail addresses; Vietnamese telephone numbers, with or without separators; runs of nine or
more digits (identity cards have 9 or 12, bank accounts 9 to 16); identity numbers in groups.
Left alone: dates, sums of money with separators, procedure codes.
"""

import re

# The look-behind lets a match begin at the start of a word only: without it a long run of letters
# costs the square of its length.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_DIGIT_RUN = re.compile(r"(?<!\d)\d{9,}(?!\d)")
_TELEPHONE = re.compile(r"(?<![\d.])(?:\+?84|0)(?:[ .\-()]{0,2}\d){9,10}(?![\d]|[.\-]\d)")
_GROUPED_IDENTITY = re.compile(r"(?<!\d)0\d{2}(?:[ .\-]\d{3}){3}(?!\d)")

EMAIL_MASK = "[e-mail]"
NUMBER_MASK = "[số]"


def mask(text: str) -> str:
    """The text with personal data replaced by `[e-mail]` and `[số]`; masking twice is harmless."""
    text = _EMAIL.sub(EMAIL_MASK, text)
    for pattern in (_GROUPED_IDENTITY, _TELEPHONE, _DIGIT_RUN):
        text = pattern.sub(NUMBER_MASK, text)
    return text
