"""The rule file while notify runs: a changed one is in force from the next reading on."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from services.notify.rules import Rule, load_rules
from services.runtime import metrics
from services.runtime.yamlfile import YamlFileError

log = logging.getLogger(__name__)


class Reload:
    """Follows a rule file by its content; one that cannot be used leaves the rules as they are."""

    def __init__(self, path: Path, use: Callable[[Sequence[Rule]], None]) -> None:
        """Read nothing yet; the first run puts the file in force as it is by then.

        Args:
            path: of the rule file.
            use: takes new rules.
        """
        self._path = path
        self._use = use
        self._seen: bytes | str | None = None

    def _content(self) -> bytes | str:
        try:
            return self._path.read_bytes()
        except OSError as error:
            return str(error)

    async def run(self) -> None:
        """Look once; what was seen before is neither read nor told again."""
        content = await asyncio.to_thread(self._content)
        if content == self._seen:
            return
        try:
            rules = await asyncio.to_thread(load_rules, self._path)
        except YamlFileError as error:
            self._refuse(error)
        else:
            metrics.NOTIFY_RULES_REFUSED.set(0)
            self._use(rules)
            log.info("%s is in force: %s", self._path, ", ".join(rule.id for rule in rules))
        self._seen = content

    @staticmethod
    def _refuse(error: YamlFileError) -> None:
        metrics.NOTIFY_RULES_REFUSED.set(1)
        problems = "; ".join(error.problems)
        log.error("the rule file is refused, the rules before it stay in force: %s", problems)
