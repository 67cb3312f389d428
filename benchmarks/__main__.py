"""`make bench`: every measurement one after another, all in one JSON document on standard output.

About half an hour, on a machine that does nothing else. A goal that is not reached is said so; the
exit code says only whether all could be measured.
"""

import argparse
import json
import signal
import subprocess
import sys
from typing import Any, Final

from langnghe.console import FAILED, notes

SCRIPTS: Final = (
    *("scoring", "ingest", "gateway", "latency"),
    *("growth", "recovery", "instances", "footprint", "dashboard"),
)


def _measured(name: str) -> dict[str, Any] | None:
    """What one script prints; None if it could not measure."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    # In a session of its own: what interrupts this process does not reach it, too, but by us.
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as script:  # noqa: S603  # our own
        try:
            printed, _ = script.communicate()
        except KeyboardInterrupt:
            script.terminate()
            script.wait()
            raise
    found: dict[str, Any] | None = json.loads(printed) if script.returncode == 0 else None
    return found


def main() -> int:
    """Run them; the exit code."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found: dict[str, object] = {}
    try:
        for name in SCRIPTS:
            notes.rule(name)
            found[name] = _measured(name)
    except KeyboardInterrupt:
        return FAILED
    print(json.dumps(found, indent=2))
    if missing := [name for name, outcome in found.items() if outcome is None]:
        notes.print(f"could not be measured: {', '.join(missing)}")
    return FAILED if missing else 0


if __name__ == "__main__":
    sys.exit(main())
