"""`langnghe webhook-secret`: what an agency needs to check our signatures."""

import os
from typing import Annotated

import typer

from deploy.local.record import read_record
from langnghe.console import MISUSED, results, stop
from langnghe.servers import DEFAULT_FOLDER, DataOption
from services.notify.delivery.channels.webhook import agency_secret


def command(
    agency: Annotated[
        str, typer.Argument(help="Registry key of the agency, as unit:000.00.01.H49")
    ],
    data: DataOption = DEFAULT_FOLDER,
) -> None:
    """Print the secret (whsec_…) that an agency verifies our webhooks with.

    It derives from LANGNGHE_WEBHOOK_KEY, or from the key of the stack in the data folder.
    """
    key = os.environ.get("LANGNGHE_WEBHOOK_KEY") or read_record(data).get("webhook_key")
    if not key:
        stop("set LANGNGHE_WEBHOOK_KEY, or name the --data folder of a stack", MISUSED)
    results.print(agency_secret(key, agency), markup=False)
