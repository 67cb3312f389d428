"""`make bench`: every measurement one after another, all in one JSON document on standard output.

About half an hour, on a machine that does nothing else. A goal that is not reached is said so; the
exit code says only whether all could be measured.
"""

import argparse
import json
import subprocess
import sys
from typing import Final

from langnghe.console import FAILED, notes

SCRIPTS: Final = (
    *("scoring", "ingest", "gateway", "latency"),
    *("growth", "recovery", "instances", "footprint"),
)


def main() -> int:
    """Run them; the exit code."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    found: dict[str, object] = {}
    for name in SCRIPTS:
        notes.rule(name)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603  # our own
        found[name] = json.loads(done.stdout) if done.returncode == 0 else None
    print(json.dumps(found, indent=2))
    if missing := [name for name, outcome in found.items() if outcome is None]:
        notes.print(f"could not be measured: {', '.join(missing)}")
    return FAILED if missing else 0


if __name__ == "__main__":
    sys.exit(main())
