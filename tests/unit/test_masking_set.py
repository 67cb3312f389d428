"""How much personal data masking finds, and how much else it hides, on the labelled comments."""

import pytest

from schemas.export import ROOT
from schemas.masking import EMAIL_MASK, NUMBER_MASK
from tests.masking.labelled import comments, precision, recall, table

KINDS = {"phone", "email", "identity", "bank", "tax"}


def test_the_set_is_large_enough_to_tell() -> None:
    assert len(comments("ordinary")) >= 150
    assert len(comments("kept")) >= 100
    shares = recall("ordinary")
    assert shares.keys() == KINDS
    assert {kind for kind, share in shares.items() if share.whole >= 15} == KINDS - {"tax"}
    assert not any(comment.labels for comment in comments("kept"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_usual_spellings_are_found(kind: str) -> None:
    assert recall("ordinary")[kind].value >= 0.98


@pytest.mark.parametrize(("kind", "floor"), [("phone", 0.6), ("email", 0.7), ("identity", 1.0)])
def test_disguises_are_found_as_far_as_stated(kind: str, floor: float) -> None:
    assert recall("obfuscated")[kind].value >= floor


def test_little_else_is_hidden() -> None:
    shares = precision("ordinary", "obfuscated", "kept")
    right, used = (sum(part) for part in zip(*shares.values(), strict=True))
    assert right / used >= 0.97
    assert shares[NUMBER_MASK].value >= 0.98
    assert shares[EMAIL_MASK].value >= 0.95


def test_the_documents_show_these_figures() -> None:
    print(table())
    assert table() in (ROOT / "docs/personal-data.md").read_text(encoding="utf-8")
