"""Files that notify lives by: a changed one is in force from the next look on."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from services.runtime import metrics
from services.runtime.yamlfile import YamlFileError

log = logging.getLogger(__name__)


class Named(Protocol):
    """What a file is a list of."""

    @property
    def id(self) -> str:
        """Its name in the log."""


Part = TypeVar("Part", bound=Named)


class Reload(Generic[Part]):
    """Follows a file by its content; one that cannot be used leaves everything as it is."""

    def __init__(
        self,
        what: str,
        path: Path,
        load: Callable[[Path], Sequence[Part]],
        use: Callable[[Sequence[Part]], None],
    ) -> None:
        """Read nothing yet; the first run puts the file in force as it is by then.

        Args:
            what: it holds, in the metric and in the log.
            path: of the file.
            load: reads and checks it; raises YamlFileError.
            use: takes what it holds.
        """
        self._what = what
        self._path = path
        self._load = load
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
            parts = await asyncio.to_thread(self._load, self._path)
        except YamlFileError as error:
            self._refuse(error)
        else:
            metrics.NOTIFY_FILE_REFUSED.labels(self._what).set(0)
            self._use(parts)
            log.info("%s is in force: %s", self._path, ", ".join(part.id for part in parts))
        self._seen = content

    def _refuse(self, error: YamlFileError) -> None:
        metrics.NOTIFY_FILE_REFUSED.labels(self._what).set(1)
        problems = "; ".join(error.problems)
        log.error("%s are refused, those before stay in force: %s", self._what, problems)
