"""Servers with TLS and users, their certificates and passwords made on the spot."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from deploy.local import jars, ports
from deploy.local.kafka_server import KafkaSecurity, KafkaServer
from deploy.local.mongo_server import MongoSecurity, MongoServer
from langnghe import rights
from langnghe.kubernetes import PREPARE, SCALER

ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Paper:
    """Certificates and passwords of one run, in a folder.

    Attributes:
        authorities: that clients check servers by.
        certificate: key and certificate of both servers.
        password: of the administrator.
        users: folder with a password file for each service.
    """

    authorities: Path
    certificate: Path
    password: str
    users: Path

    def password_of(self, service: str) -> str:
        return rights.read_passwords(self.users)[service]

    def secrets(self) -> list[str]:
        """Everything that must not appear anywhere."""
        return [self.password, *rights.read_passwords(self.users).values()]


def make_paper(folder: Path) -> Paper:
    """Make everything anew in a folder."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    paper = Paper(folder / "ca.pem", folder / "server.pem", secrets.token_hex(16), folder / "users")
    authority.cert_pem.write_to_path(str(paper.authorities))
    # Kafka reads keys as PKCS #8 alone.
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    paper.certificate.write_bytes(key.private_bytes(*form) + chain)
    paper.users.mkdir()
    for service in rights.OWNED:
        (paper.users / service).write_text(secrets.token_hex(16) + "\n")
    return paper


@asynccontextmanager
async def secured_mongo(folder: Path, paper: Paper) -> AsyncIterator[MongoServer]:
    """A mongod with TLS and users."""
    key_file = folder / "key"
    key_file.write_text(secrets.token_hex(32))
    key_file.chmod(0o600)
    security = MongoSecurity(
        paper.certificate, paper.authorities, key_file, ADMINISTRATOR, paper.password
    )
    server = MongoServer(
        folder / "mongodb", port=ports.choose(), output=lambda *_: None, security=security
    )
    try:
        await server.start()
        yield server
    finally:
        await server.process.stop()


@asynccontextmanager
async def secured_kafka(folder: Path, paper: Paper) -> AsyncIterator[KafkaServer]:
    """A broker with TLS, users and access rules."""
    users = {rights.user_of(s): word for s, word in rights.read_passwords(paper.users).items()}
    others = (ADMINISTRATOR, rights.user_of(PREPARE), rights.user_of(SCALER))
    security = KafkaSecurity(
        paper.certificate,
        paper.authorities,
        ADMINISTRATOR,
        dict.fromkeys(others, paper.password) | users,
    )
    server = KafkaServer(
        folder / "kafka",
        port=ports.choose(),
        controller_port=ports.choose(),
        jars=await asyncio.to_thread(jars.fetch, lambda _done, _total: None),
        output=lambda *_: None,
        security=security,
    )
    try:
        await server.start()
        yield server
    finally:
        await server.process.stop()
