"""The command line: `langnghe --help`."""

import typer

from langnghe import (
    accounts,
    audit,
    commendations,
    contacts,
    devices,
    prepare,
    registry,
    routes,
    run,
    silences,
    simulate,
    tokens,
    verify,
    webhook,
)
from langnghe.backup import command as backup
from langnghe.console import not_installed
from langnghe.deliveries import command as deliveries
from langnghe.importing import command as importing
from langnghe.quarantine import command as quarantine
from langnghe.rules import command as rules

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lắng Nghe: measures satisfaction with the public administration, live, and acts on it.",
)


try:
    from langnghe import up
    from langnghe.chaos import command as chaos
    from langnghe.demo import command as demo
except ModuleNotFoundError:
    for name in ("up", "demo", "chaos"):
        app.command(name)(not_installed("a Kafka and a MongoDB of its own"))
else:
    app.command("up")(up.command)
    app.command("demo")(demo.command)
    app.command("chaos")(chaos.command)

app.command("simulate")(simulate.command)
app.command("import")(importing.command)
app.command("webhook-secret")(webhook.command)
app.command("prepare")(prepare.command)
app.command("run")(run.command)
app.command("backup")(backup.backup_command)
app.command("restore")(backup.restore_command)
app.command("commendations")(commendations.command)
app.add_typer(registry.app, name="registry")
app.add_typer(verify.app, name="verify")
app.add_typer(rules.app, name="rules")
app.add_typer(routes.app, name="routes")
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.add_typer(devices.app, name="devices")
app.add_typer(tokens.app, name="tokens")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(contacts.app, name="contacts")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(silences.app, name="silences")
