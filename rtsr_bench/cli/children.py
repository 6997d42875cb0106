"""Children for one model after another: the next one starts while a model is checked."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rtsr_bench.errors import HarnessError
from rtsr_bench.sandbox import Child, ChildSettings, Level, Stock


class Children:
    """Hands out children of one device. The first starts at once; when the block ends, nothing of them is left.

    `left` is how many are needed still: none is started beyond that. A sandbox that starts may still lack a library
    that the environment needs: then `tell` gets a line, and all children run at the level `process`, unless `required`.
    """

    def __init__(self, device: str, tell: Callable[[str], None], required: Level | None = None) -> None:
        self.device, self.left, self._tell, self._required = device, 1, tell, required
        self._settings = ChildSettings.now(device=device)
        self._stock = Stock()
        self._stock.start(self._settings)

    def take(self) -> Child:
        """Return a child that no guest has been in; the caller closes it. UserError if the device is not available."""
        try:
            child = self._stock.take(self._settings)
        except HarnessError as error:
            level = self._settings.level
            if level in (Level.PROCESS, self._required):
                raise
            self._tell(f"isolation: process ({level.value}: {error}); guests run with your rights")
            self._settings = ChildSettings.now(device=self.device, level=Level.PROCESS)
            child = self._stock.take(self._settings)
        self.left -= 1
        if self.left > 0:
            self._stock.start(self._settings)
        return child

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stock.close()
