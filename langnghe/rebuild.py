"""`langnghe rebuild`: buckets, tallies and indices anew from the stored responses."""

from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.progress import Progress

from langnghe.audit import operator
from langnghe.console import FAILED, MISUSED, notes, results, stop
from langnghe.sending import operator_producer
from langnghe.servers import DEFAULT_FOLDER, DataOption, settings_for, with_database
from method.period import LOCAL_ZONE
from services.gateway import audit
from services.gateway.audit import Act
from services.runtime import identity
from services.runtime.clock import system_clock
from services.runtime.database import Database
from services.runtime.producer import KafkaUnavailableError
from services.runtime.settings import Settings
from services.scoring.rebuild import Rebuild, Report, UnknownUnitError


async def _rebuild(database: Database, settings: Settings, units: list[str]) -> Report:
    async with operator_producer(database, settings) as producer:
        rebuild = Rebuild(database, producer, system_clock, units)
        beginning = await rebuild.begin()
        about = " ".join(units) or "all"
        await audit.note(database, Act(operator(), "counts.rebuild", about), system_clock())
        if beginning.goes_on:
            at = beginning.begun_at.astimezone(LOCAL_ZONE)
            notes.print(
                f"goes on with the rebuild of {at:%Y-%m-%d %H:%M}: {len(beginning.days)} days are "
                "left, newer ones are done; to do all of them again, run it again afterwards"
            )
        with Progress(console=notes, transient=True) as progress:
            task = progress.add_task("days", total=len(beginning.days))
            return await rebuild.run(beginning.days, lambda: progress.advance(task))


def _tell(report: Report) -> None:
    wrong = report.wrong
    results.print(
        f"{report.responses} responses of {len(report.units)} units and {report.days} days are "
        f"counted again: {report.buckets} buckets with {report.hours} hours"
    )
    results.print(
        f"{wrong.buckets} buckets of {len(report.mended)} units were wrong: {wrong.missing} were "
        f"missing, {wrong.superfluous} too many, {wrong.other} said something else; in "
        f"{wrong.hours} hours {wrong.short} answers too few and {wrong.over} too many"
    )
    results.print("tallies and indices are summed up anew; check with `langnghe verify indices`")


def command(
    unit: Annotated[
        list[str] | None, typer.Option(help="Only the counts of this unit; more than one may be")
    ] = None,
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Count everything anew from the stored responses. Services may run.

    Buckets that differ are replaced; tallies and indices follow. Change charts are kept
    (docs/operations.md). One that was interrupted goes on where it stood when it is run again;
    running it twice does no harm. In the audit trail: counts.rebuild.
    """
    settings = settings_for(data, Settings)
    units = sorted(set(unit or ()))
    try:
        report = with_database(
            settings, "rebuild", lambda database: _rebuild(database, settings, units)
        )
    except UnknownUnitError as error:
        stop(f"--unit: {error} is not known and has no counts", MISUSED)
    except KafkaUnavailableError:
        stop("Kafka does not answer; run it again, it goes on where it stood", FAILED)
    except (KafkaError, identity.IdentityError) as error:
        stop(error, FAILED)
    _tell(report)
