"""What an operator does to a record that was set aside, with its entry in the audit trail.

A record is sent first and marked then, the mark and the entry in one transaction: a crash in
between leaves it open, and its next replay is known by the response's id, so it counts once.
"""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from langnghe.audit import operator
from langnghe.console import notes, results
from langnghe.quarantine.showing import pretty
from langnghe.sending import operator_producer
from schemas.feedback import FeedbackSubmitted
from schemas.topics import FEEDBACK_SUBMITTED
from services.gateway import audit
from services.gateway.audit import Act, audited
from services.ingest import resolution
from services.ingest.resolution import Aside, Resolution
from services.runtime.clock import system_clock
from services.runtime.database import Database, Session
from services.runtime.settings import Settings


class EditorError(Exception):
    """The editor could not be run, or ended with an error."""


async def look(database: Database, aside: Aside) -> None:
    """Write down that somebody reads what a citizen wrote."""
    await audit.note(database, Act(operator(), "quarantine.look", aside.id), system_clock())


def edit(value: bytes | None) -> bytes:
    """What an operator makes of a record in the editor of their choice.

    Raises:
        EditorError: when the editor fails.
    """
    editor = shlex.split(os.environ.get("EDITOR", "vi"))
    with tempfile.TemporaryDirectory(prefix="langnghe-") as folder:  # its owner alone may read it
        path = Path(folder) / "record.json"
        path.write_text(pretty(value), encoding="utf-8")
        try:
            subprocess.run([*editor, path], check=True)  # noqa: S603  # the operator's own editor
        except (OSError, subprocess.CalledProcessError) as error:
            msg = f"EDITOR: {error}"
            raise EditorError(msg) from None
        return path.read_bytes()


async def _close(database: Database, aside: Aside, done: Resolution, act: Act) -> None:
    async def work(session: Session) -> tuple[bool, Act]:
        return await resolution.resolve(database, session, aside.id, done), act

    if not await audited(database, work, done.at):
        notes.print(f"{aside.id}: somebody else was faster", style="yellow", markup=False)


async def replay(
    database: Database,
    settings: Settings,
    responses: Sequence[tuple[Aside, FeedbackSubmitted]],
    *,
    edited: bool,
) -> None:
    """Send responses to ingest again, one after another, and mark each.

    Raises:
        KafkaUnavailableError: when Kafka does not acknowledge; what was not reported is open.
        IdentityError: when the database belongs to another Kafka cluster.
    """
    async with operator_producer(database, settings) as producer:
        for aside, response in responses:
            await producer.send(FEEDBACK_SUBMITTED, [response])
            who = operator()
            done = Resolution("replayed", system_clock(), who.name, edited=edited)
            act = Act(who, "quarantine.replay", aside.id, {"edited": str(edited).lower()})
            await _close(database, aside, done, act)
            results.print(f"{aside.id}: sent again", markup=False)


async def discard(database: Database, asides: Sequence[Aside], why: str) -> None:
    """Leave records aside for good."""
    for aside in asides:
        who = operator()
        done = Resolution("discarded", system_clock(), who.name, why=why)
        await _close(database, aside, done, Act(who, "quarantine.discard", aside.id, {"why": why}))
        results.print(f"{aside.id}: discarded", markup=False)
