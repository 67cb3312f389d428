"""`langnghe rules check`: what is wrong with a rule file, before notify reads it."""

from langnghe.checking import FilesArgument, check_files
from services.notify.rules.file import load_rules


def command(files: FilesArgument) -> None:
    """Name everything that is wrong with rule files, by line and column.

    Exit 0 when notify can use every file, 1 when it cannot use one, 2 when one is not there.
    """
    check_files(files, load_rules, "rules")
