"""Where settings come from, and what is said of wrong ones: the rule, never the value."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from langnghe.servers import problems
from services.runtime.settings import Settings


def refused(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    for value in environment.values():
        assert value not in str(caught.value)
        assert value not in problems(caught.value)
    return problems(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://me:geheim@db.example.vn/?replicaSet=langnghe",
        "mongodb+srv://me@db.example.vn/",
        "mongodb://db.example.vn/?tlsCertificateKeyFilePassword=geheim",
    ],
)
def test_a_secret_in_the_address_of_mongodb_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert "MONGO_URL" in refused(monkeypatch, MONGO_URL=url)


@pytest.mark.parametrize(
    "url",
    ["otel:4318", "http://otel:4318", "http:///v1/traces", "https://me:geheim@otel/v1/traces"],
)
def test_an_address_of_a_collector_that_takes_no_traces_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert "LANGNGHE_TRACES: Value error, must " in refused(monkeypatch, LANGNGHE_TRACES=url)


def test_a_log_is_text_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "LANGNGHE_LOG_FORMAT" in refused(monkeypatch, LANGNGHE_LOG_FORMAT="xml")


def test_a_password_goes_with_its_user_and_needs_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = refused(monkeypatch, LANGNGHE_MONGO_PASSWORD="geheim-geheim")
    assert "mongo_user and mongo_password: must be given together" in said
    said = refused(monkeypatch, LANGNGHE_MONGO_USER="langnghe-ingest")
    assert "mongo_ca: must be given with mongo_user" in said
    missing = str(tmp_path / "missing.pem")
    assert "LANGNGHE_MONGO_CA" in refused(monkeypatch, LANGNGHE_MONGO_CA=missing)


def test_a_secret_comes_from_a_file_unless_the_environment_holds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.touch()
    (tmp_path / "langnghe_mongo_password").write_text("from a file\n")
    monkeypatch.setenv("LANGNGHE_SECRETS", str(tmp_path))
    monkeypatch.setenv("LANGNGHE_MONGO_USER", "langnghe-ingest")
    monkeypatch.setenv("LANGNGHE_MONGO_CA", str(authorities))
    settings = Settings()
    assert settings.mongo_password is not None
    assert settings.mongo_password.get_secret_value() == "from a file"
    assert "from a file" not in repr(settings)
    monkeypatch.setenv("LANGNGHE_MONGO_PASSWORD", "from the environment")
    settings = Settings()
    assert settings.mongo_password is not None
    assert settings.mongo_password.get_secret_value() == "from the environment"


def test_a_folder_of_secrets_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = str(tmp_path / "missing")
    assert "LANGNGHE_SECRETS" in refused(monkeypatch, LANGNGHE_SECRETS=missing)
