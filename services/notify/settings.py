"""Settings of notify."""

from datetime import time
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from services.runtime.settings import Settings


def _separated_by_commas(hosts: object) -> object:
    if isinstance(hosts, str):
        return [name for host in hosts.split(",") if (name := host.strip())]
    return hosts


class NotifySettings(Settings):
    """Settings of notify.

    Attributes:
        rules: the rule file; a change of it is in force without a restart.
        routes: the route file: further contacts of agencies by severity and hour; a change of it
            is in force without a restart.
        public_url: where people reach the gateway; links in messages begin with it.
        webhook_key: master key of the webhook signatures, 32 characters or more; each agency's
            secret is derived from it (`langnghe webhook-secret`).
        webhook_private_hosts: hosts, with commas between them, that webhooks may reach at private
            addresses and without TLS, each as it stands in the address (a name or an IP address).
        group_wait_seconds: how long a mail about a critical alert waits for others to the same
            agency, which become one mail with it.
        digest_at: local time of the daily digest of softer alerts, as in 07:30.
        digest_false_share: which part of the soft falls in digests is false on average, at most.
        smtp_host: mail server; without one, e-mail is not sent and every such message fails.
        smtp_port: port of the mail server.
        smtp_user: who we are to the mail server, if it asks.
        smtp_password: password of smtp_user.
        smtp_tls: whether the connection is upgraded by STARTTLS.
        mail_from: sender of all mail.
    """

    rules: Path
    routes: Path | None = None
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] = "http://127.0.0.1:8080"
    webhook_key: Annotated[SecretStr, Field(min_length=32)]
    webhook_private_hosts: Annotated[
        frozenset[str], NoDecode, BeforeValidator(_separated_by_commas)
    ] = frozenset()
    group_wait_seconds: Annotated[float, Field(ge=0, le=3600)] = 60
    digest_at: time = time(7, 30)
    digest_false_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 25
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: bool = False
    mail_from: str = "Lắng Nghe <langnghe@localhost>"

    @model_validator(mode="after")
    def _sender_has_address(self) -> Self:
        if "@" not in parseaddr(self.mail_from)[1]:
            msg = "mail_from: must hold an e-mail address"
            raise ValueError(msg)
        return self
