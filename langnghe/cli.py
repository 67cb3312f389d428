"""The command line: `langnghe --help`."""

import typer

from langnghe import demo, prepare, registry, run, simulate, up, verify, webhook
from langnghe.importing import command as importing

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lắng Nghe: measures satisfaction with the public administration, live, and acts on it.",
)
app.command("up")(up.command)
app.command("demo")(demo.command)
app.command("simulate")(simulate.command)
app.command("import")(importing.command)
app.command("webhook-secret")(webhook.command)
app.command("prepare")(prepare.command)
app.command("run")(run.command)
app.add_typer(registry.app, name="registry")
app.add_typer(verify.app, name="verify")
