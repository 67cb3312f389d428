"""Who ran a command, as the audit trail has it."""

import os
import pwd

import pytest

from langnghe.audit import operator


def test_a_user_without_a_name_is_named_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert operator().name == f"uid {os.getuid()}"
    monkeypatch.setenv("LOGNAME", "an.nguyen")
    assert operator().name == "an.nguyen"
