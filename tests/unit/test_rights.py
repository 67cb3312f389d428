"""What follows from the declarations, and what is wrong with password files."""

from pathlib import Path

import pytest

from langnghe import rights
from services.gateway import audit
from services.gateway.cases.store import STEPS
from services.gateway.storage import APPEND_ONLY


def write_all(folder: Path) -> None:
    for service in rights.OWNED:
        (folder / service).write_text("long enough, surely\n")


def test_no_collection_has_two_writers() -> None:
    owned = [name for names in rights.OWNED.values() for name in names]
    assert len(owned) == len(set(owned))
    for service in rights.OWNED:
        writes = {name for name, may in rights.privileges(service).items() if "update" in may}
        assert writes == set(rights.OWNED[service]) - APPEND_ONLY


def test_accounts_contacts_and_audit_are_the_gateways_alone() -> None:
    private = ("gateway.contact", "gateway.account", "gateway.audit", "gateway.case")
    for service in set(rights.OWNED) - {"gateway"}:
        assert not [name for name in rights.privileges(service) if name.startswith(private)]
    assert {audit.ENTRIES, STEPS} == APPEND_ONLY
    for name in APPEND_ONLY:
        assert rights.privileges("gateway")[name] == ("find", "insert")


def test_passwords_are_read_from_a_file_each(tmp_path: Path) -> None:
    write_all(tmp_path)
    assert rights.read_passwords(tmp_path) == dict.fromkeys(rights.OWNED, "long enough, surely")


def test_a_password_file_that_is_missing_or_short_is_named(tmp_path: Path) -> None:
    write_all(tmp_path)
    (tmp_path / "ingest").write_text("too short\n")
    with pytest.raises(rights.PasswordError, match=r"ingest: must hold .* 16 characters") as caught:
        rights.read_passwords(tmp_path)
    assert "too short" not in str(caught.value)
    (tmp_path / "ingest").unlink()
    with pytest.raises(rights.PasswordError, match="ingest: cannot be read"):
        rights.read_passwords(tmp_path)
