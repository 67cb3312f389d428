"""Hides personal data that people write into free text, before the text can go anywhere.

Hidden are telephone numbers, e-mail addresses and the numbers of identity cards, passports, tax
payers, bank accounts and bank cards, in Vietnamese formats. `tests/masking/` holds the spellings,
and measures how many are found. Names and addresses are not looked for (docs/personal-data.md).

One pass with one pattern: at each place, the first alternative that fits. The cost grows with the
text, not with its square: a repetition without a bound begins at the start of a run only, all
others are bounded.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

EMAIL_MASK: Final = "[mail]"
NUMBER_MASK: Final = "[số]"
# No mask is longer than the shortest thing it hides, so masked text keeps the limit of its field.


def _any(*alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives)})"


_CURRENCY: Final = r"\s?(?:vnđ|vnd|đồng(?!\s?chí)|đ\b|usd\b|triệu|nghìn|ngàn|tỷ)"

_KEPT_DIGITS: Final = _any(
    # Hotlines are public: 1900 1009, 1800.558899.
    r"1[89]00(?:[\s.\-]?\d){4}(?:(?:[\s.\-]?\d){2})?(?!\d)",
    # Procedures: 1.011442.000.00.00.H38.
    r"(?<!\.)\d\.\d{6}(?:(?:\.\d{2,3}){3}\.[GH]\d\d)?(?!\.?\d)",
    # Sums: 150 000 000 đồng, 1500000000 đ.
    rf"[1-9]\d{{0,2}}(?:[, ]\d{{3}}){{1,4}}{_CURRENCY}",
    rf"[1-9]\d{{5,11}}{_CURRENCY}",
)
# Dossiers: H49.12-251122-0001.
_KEPT_WORD: Final = r"[GH]\d\d(?:\.\d{1,3}){0,3}-\d{6}-\d{4,6}(?!\d)"

_WORD: Final = r"[\w+\-]{1,64}+"
_LABEL: Final = r"[a-z0-9\-]{1,40}"
_AT_WORDS: Final = r"(?:at|a\s?còng|a\s?cong|a\s?móc)"
_AT: Final = (
    rf"(?:\s{{0,2}}(?:[(\[]\s?{_AT_WORDS}\s?[)\]]|@)\s{{0,2}}|\s{{1,2}}{_AT_WORDS}\s{{1,2}})"
)
_DOT: Final = r"\s{0,2}(?:\.|[(\[]\s?(?:dot|chấm)\s?[)\]]|\b(?:dot|chấm|cham)\b)\s{0,2}"

_EMAIL: Final = r"[\w.+%\-]++@[\w\-]+(?:\.[\w\-]+)*\.[\w\-]{2,}"
# nguyen chấm an (at) gmail chấm com
_EMAIL_IN_WORDS: Final = (
    rf"{_WORD}(?:{_DOT}{_WORD}){{0,4}}{_AT}{_LABEL}(?:{_DOT}{_LABEL}){{0,3}}"
    rf"{_DOT}(?:com|vn|net|org|edu|gov|info)\b"
)

_BANK: Final = _any(
    r"ngân\s(?:hàng|hang)|ngan\shang|vietcombank|vcb|techcombank|tcb|bidv|agribank|vietinbank|ctg",
    r"mb\s?bank|mb|acb|sacombank|vpbank|tpbank|vib|shb|hdbank|msb|ocb|seabank|momo",
)
_FILLER: Final = (
    r"[\s:.,#(\-]{0,3}(?:"
    rf"(?:số|so|là|la|của|cua|tôi|toi|em|mình|minh|cháu|no|number|is|{_BANK})"
    r"[\s:.,#(\-]{1,3}){0,4}"
)
_SURE_WORD: Final = _any(
    r"stk|số\s?tk|so\s?tk|số\stài\skhoản|so\stai\skhoan|account",
    r"cccd|cmnd|cmt|căn\scước(?:\scông\sdân)?|can\scuoc|chứng\sminh(?:\snhân\sdân|\sthư)?",
    r"định\sdanh|dinh\sdanh|hộ\schiếu|ho\schieu|passport|id\scard|mst|mã\ssố\sthuế|ma\sso\sthue",
    r"sđt|sdt|đt|điện\sthoại|dien\sthoai|phone|tel|zalo|di\sđộng",
)
_LOOSE_WORD: Final = _any(r"tài\skhoản|tai\skhoan|tk|thẻ|the", _BANK)
_DATE: Final = r"\d{1,4}[\s./\-]\d{1,2}[\s./\-]\d{1,4}(?!\d)"
_SUM: Final = r"[1-9]\d{0,2}(?:[.,]\d{3}){1,4}(?![.,]?\d)"
_VALUE: Final = (
    rf"(?P<%s>(?!{_DATE}|%s1[89]00(?!\d))"
    r"(?:\d{3,6}(?:[\s.\-]\d{3,6}){1,5}(?:[\s.\-]\d\d)?|[a-z]{0,2}\s?\d{6,19}(?:-\d{3})?"
    r"|(?=\d(?:[\s.\-]?\d){5})\d{2,6}(?:[\s.\-]\d{2,6}){1,6})"
    rf"(?!\d))(?!{_CURRENCY})"
)

_GAP: Final = r"[\s.,()_\-–\u200b]{0,3}"
_FIXED_GAP: Final = r"[\s.()\-–]{0,3}"
_ZERO_TO_NINE: Final = (
    r"(?:\d|không|khong|một|mốt|mot|hai|ba|bốn|bon|tư|năm|nam|lăm|sáu|sau|bảy|bẩy|bay|tám|tam|chín"
    r"|chin|zero|oh|one|two|three|four|five|six|seven|eight|nine)\b"
)
# không chín một hai …, 0 9 1 2 …
_SPELLED: Final = rf"(?:0|o|không|khong|tám|tam|zero)\b(?:[\s.,\-]{{1,3}}{_ZERO_TO_NINE}){{8,14}}"

_DIGITS: Final = _any(
    rf"\d{{6,8}}(?=\s{{1,2}}(?:tại\s)?{_BANK}\b)",
    # Cards: 9704 3612 3456 7890 123; American Express groups 4-6-5.
    r"(?:9704|[3-6]\d{3})(?P<c>[ .\-])\d{4}(?P=c)\d{4}(?P=c)\d{4}(?:(?P=c)\d{1,3})?(?!\d)",
    r"3[47]\d\d(?P<x>[ .\-])\d{6}(?P=x)\d{5}(?!\d)",
    # Citizen's identity cards: 12 digits, the first three (a province) 001 to 096.
    r"0\d\d(?P<i>[ .\-])(?:\d{3}(?P=i)\d{3}(?P=i)\d{3}|\d(?P=i)\d\d(?P=i)\d{6})(?!\d)",
    r"0\d\d[ .\-](?:\d{3}[ .\-]\d{6}|\d{9})(?!\d)",
    r"0\d{3}(?P<j>[ .\-])\d{4}(?P=j)\d{4}(?!\d)",
    r"0\d{5}[ .\-]\d{6}(?!\d)",
    # Telephones: with the country, mobile (03 05 07 08 09; 012 016 018 019 to 2018), fixed (02).
    rf"(?:00)?84{_GAP}(?:0{_GAP})?(?:[35789](?:{_GAP}\d){{8}}|2(?:{_GAP}\d){{9}})(?!\d)",
    rf"0[35789]\d(?:{_GAP}\d){{7}}(?!\d)",
    r"0[35789](?:[\s.\-]{1,3}\d\d){4}(?!\d)",
    rf"01[2689]\d(?:{_GAP}\d){{7}}(?!\d)",
    rf"02\d(?:{_FIXED_GAP}\d){{8}}(?!\d)",
    _SPELLED,
    # Nine digits in groups of three are an old identity card, unless they are a round sum.
    r"\d{3}(?P<o>[ \-])\d{3}(?P=o)(?!000)\d{3}(?!\d)",
    # Whatever else has nine digits or more; a tax code may have a branch number.
    r"\d{9,}+(?:-\d{3}(?!\d))?",
)
_ABROAD: Final = _any(
    rf"\+\s?84(?:{_GAP}\d){{9,11}}(?!\d)",
    r"\+\s?(?!84)[1-9]\d{0,2}(?:[\s\-()]{0,2}\d){7,11}(?!\d)",
)
_WORDS: Final = _any(
    # After a word that says what it is, 6 to 19 digits in any grouping.
    rf"{_SURE_WORD}{_FILLER}" + _VALUE % ("sure", ""),
    rf"{_LOOSE_WORD}{_FILLER}" + _VALUE % ("loose", _SUM + "|"),
    # Passports: a letter and 7 or 8 digits.
    r"[a-z]\d{7,8}(?!\w)",
    # The letter O for a zero.
    rf"o[35789](?:{_GAP}\d){{8}}(?!\d)",
    _SPELLED,
)

# What can begin here depends on what stands here: most places are left after one look.
_PATTERN: Final = re.compile(
    rf"(?<![\w.+%\-])(?=[\w.+%\-])(?P<email>{_EMAIL})"
    rf"|(?<!\d)(?=\d)(?:{_KEPT_DIGITS}|(?P<digits>{_DIGITS}))"
    rf"|(?=\+)(?P<abroad>{_ABROAD})"
    rf"|(?<!\w)(?=[^\W_])(?:{_KEPT_WORD}|(?P<words>{_WORDS})|(?P<email_in_words>{_EMAIL_IN_WORDS}))",
    re.IGNORECASE,
)


class Found(NamedTuple):
    """A piece of personal data in a text: where it stands, and what is put there instead."""

    start: int
    end: int
    mask: str


def find(text: str) -> Iterator[Found]:
    """The personal data in a text, from left to right."""
    for match in _PATTERN.finditer(text):
        if match.lastgroup is None:
            continue  # it looks alike and stays
        named = (group for group in ("sure", "loose") if match[group] is not None)
        mask = EMAIL_MASK if match.lastgroup.startswith("email") else NUMBER_MASK
        yield Found(*match.span(next(named, 0)), mask)


def mask(text: str) -> str:
    """The text with `[mail]` and `[số]` for personal data: never longer, and harmless to repeat."""
    parts: list[str] = []
    end = 0
    for found in find(text):
        parts += (text[end : found.start], found.mask)
        end = found.end
    return "".join(parts) + text[end:]
