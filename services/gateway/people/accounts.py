"""Accounts: who may sign in, as what, over which part of the registry.

Every write is audited in its own transaction, and ends the sessions of the account that it changes.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from method.period import local_day
from schemas.feedback import Violation
from schemas.registry import Registry
from schemas.scope import COUNTRY
from services.gateway.audit import Act, Actor, audited
from services.gateway.people import sessions
from services.gateway.people.access import AgencyScope, Role, scope_rule
from services.gateway.people.passwords import RULES, Passwords, broken_rule
from services.runtime.clock import Clock
from services.runtime.database import Database, Document, Session

ACCOUNTS: Final = "gateway.accounts"
"""Owner: gateway. One `Account` a document, `_id` its id; `hash` is of its password."""

INDEXES: Final = [
    IndexModel(
        [("identity.issuer", ASCENDING), ("identity.subject", ASCENDING)],
        unique=True,
        partialFilterExpression={"identity": {"$type": "object"}},
    )
]

AccountId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]$")]
"""What somebody types to sign in: `lan.nguyen`."""

DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Identity(BaseModel):
    """Somebody as an OpenID provider knows them; `subject` says who only together with `issuer`."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    subject: Subject


class Account(BaseModel):
    """Somebody who may sign in. Its password's hash never leaves the database with it."""

    model_config = ConfigDict(frozen=True)

    id: AccountId
    name: DisplayName
    role: Role
    scope: AgencyScope
    disabled: bool = False
    identity: Identity | None = None

    def actor(self) -> Actor:
        """This person in the audit trail."""
        return Actor(kind="account", name=self.id, role=self.role)


class NewAccount(BaseModel):
    """An account to be: it signs in with a password, or as somebody whom the provider knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: AccountId
    name: DisplayName
    role: Role
    scope: AgencyScope = COUNTRY
    password: SecretStr | None = None
    subject: Annotated[Subject | None, Field(description="`sub` at the OpenID provider")] = None

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.password is None) == (self.subject is None):
            msg = "needs either password or subject"
            raise ValueError(msg)
        return self


class Change(BaseModel):
    """What is to be different about an account; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: DisplayName | None = None
    role: Role | None = None
    scope: AgencyScope | None = None
    disabled: bool | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            msg = "must change something"
            raise ValueError(msg)
        return self


class AccountError(Exception):
    """A write that breaks a rule; nothing was written."""

    def __init__(self, field: str, rule: str) -> None:
        """Name the field and the rule."""
        super().__init__(f"{field}: {rule}")
        self.violation = Violation(field=field, rule=rule)


class UnknownAccountError(Exception):
    """There is no account with this id."""


class Credentials(NamedTuple):
    """An account, and the hash of its password if it has one."""

    account: Account
    hash: str | None


def account_of(document: Document) -> Account:
    """The account that a document holds."""
    return Account.model_validate({**document, "id": document["_id"]})


class Accounts:
    """All accounts."""

    def __init__(
        self, database: Database, passwords: Passwords, issuer: str | None, clock: Clock
    ) -> None:
        """Hold what the work needs; `issuer` is the OpenID provider that new identities are of."""
        self._database = database
        self._passwords = passwords
        self._issuer = issuer
        self._clock = clock

    async def all(self) -> list[Account]:
        """Every account, by id."""
        found = self._database[ACCOUNTS].find().sort("_id", ASCENDING)
        return [account_of(document) async for document in found]

    async def find(self, key: str) -> Account | None:
        """The account with an id."""
        document = await self._database[ACCOUNTS].find_one({"_id": key})
        return account_of(document) if document else None

    async def credentials(self, key: str) -> Credentials | None:
        """What a password is checked against."""
        document = await self._database[ACCOUNTS].find_one({"_id": key})
        return Credentials(account_of(document), document.get("hash")) if document else None

    async def of_identity(self, identity: Identity) -> Account | None:
        """The account that somebody at the provider is linked to."""
        document = await self._database[ACCOUNTS].find_one({"identity": identity.model_dump()})
        return account_of(document) if document else None

    async def _hashed(self, password: SecretStr | None, *names: str) -> dict[str, str]:
        if password is None:
            return {}
        if rule := broken_rule(password.get_secret_value(), *names):
            raise AccountError("password", RULES[rule])
        return {"hash": await self._passwords.hash(password.get_secret_value())}

    def _check_scope(self, role: Role, scope: str, registry: Registry) -> None:
        if rule := scope_rule(role, scope, registry, local_day(self._clock())):
            raise AccountError("scope", rule)

    async def add(self, new: NewAccount, registry: Registry, actor: Actor) -> Account:
        """Add an account.

        Raises:
            AccountError: when it breaks a rule, or when its id or subject has an account already.
        """
        self._check_scope(new.role, new.scope, registry)
        if new.subject is not None and self._issuer is None:
            raise AccountError("subject", "needs an OpenID provider: LANGNGHE_OIDC_ISSUER")
        account = Account(
            id=new.id,
            name=new.name,
            role=new.role,
            scope=new.scope,
            identity=Identity(issuer=self._issuer, subject=new.subject)
            if self._issuer and new.subject
            else None,
        )
        fields = account.model_dump(mode="json", exclude={"id"}, exclude_none=True)
        document = {"_id": new.id, **fields, **await self._hashed(new.password, new.id, new.name)}
        details = {"role": new.role.value, "scope": new.scope}

        async def work(session: Session) -> tuple[None, Act]:
            await self._database[ACCOUNTS].insert_one(document, session=session)
            return None, Act(actor, "account.add", new.id, details)

        try:
            await audited(self._database, work, self._clock())
        except DuplicateKeyError as error:
            key = (error.details or {}).get("keyPattern", {})
            field = "id" if "_id" in key else "subject"
            raise AccountError(field, "has an account already") from None
        return account

    async def change(self, key: str, change: Change, registry: Registry, actor: Actor) -> Account:
        """Change an account and end its sessions.

        Raises:
            AccountError: when it would break a rule.
            UnknownAccountError: when there is none.
        """
        fields = change.model_dump(mode="json", exclude_none=True, exclude={"password"})
        now = await self.find(key)
        if now is None:
            raise UnknownAccountError(key)
        hashed = await self._hashed(change.password, key, change.name or now.name)

        async def work(session: Session) -> tuple[Account, Act]:
            document = await self._database[ACCOUNTS].find_one_and_update(
                {"_id": key}, {"$set": {**fields, **hashed}}, return_document=True, session=session
            )
            if document is None:
                raise UnknownAccountError(key)
            account = account_of(document)
            if {"role", "scope"} & fields.keys():
                self._check_scope(account.role, account.scope, registry)
            await sessions.end_all(self._database, session, key)
            return account, Act(actor, "account.change", key, _said(fields, hashed))

        return await audited(self._database, work, self._clock())


def _said(fields: Mapping[str, Any], hashed: Mapping[str, str]) -> dict[str, str]:
    """A change for the trail: of a name and a password only that there is a new one."""
    said = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
    }
    if "name" in said:
        said["name"] = "changed"
    return said | ({"password": "changed"} if hashed else {})
