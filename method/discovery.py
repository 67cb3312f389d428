"""Many tests at once: which of them to believe. Pure.

Who asks three thousand offices whether they are unusual finds a hundred and fifty at 5 % although
none is. What counts for a list that people act on is which part of it is wrong.

Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995); it
holds for tests that are independent or positively dependent (Y. Benjamini and D. Yekutieli, Annals
of Statistics 29 (2001)).
"""

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which tests are discoveries, in their order: at most `rate` of them are false on average.

    Args:
        p_values: of all tests that were made, also of those that found nothing, 0 to 1.
        rate: false discovery rate, between 0 and 1.

    Raises:
        ValueError: when the rate or a p-value lies outside of its bounds, naming it.
    """
    if not 0 < rate < 1:
        msg = f"rate: must be between 0 and 1, got {rate}"
        raise ValueError(msg)
    for place, p_value in enumerate(p_values):
        if not 0 <= p_value <= 1:
            msg = f"p_values.{place}: must be 0 to 1, got {p_value}"
            raise ValueError(msg)
    tests = len(p_values)
    believed = (p for k, p in enumerate(sorted(p_values), 1) if p <= rate * k / tests)
    limit = max(believed, default=-1.0)
    return [p_value <= limit for p_value in p_values]
