"""Programs of the system that some tests want."""

import os
import shutil

import pytest


def tool(names: tuple[str, ...], what: str, package: str) -> str:
    """The path of a program; without it the test is skipped, in CI it fails.

    Args:
        names: any of these.
        what: is not tested without it.
        package: of Debian.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    problem = f"no {names[0]}: {what} NOT tested (Debian: apt-get install {package})"
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(problem)
