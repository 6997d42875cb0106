"""Children for one model after another: the next one starts while a model is checked."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rtsr_bench.errors import HarnessError
from rtsr_bench.sandbox import Child, ChildSettings, Isolation, Stock, allow_pickles


class Children:
    """Hands out children of one device. The first starts at once; when the block ends, nothing of them is left.

    `left` is how many are needed still: none is started beyond that. If the first one does not start in the sandbox,
    all run at the level `process` and `tell` gets a line; UserError with `allow_pickle`, which needs the sandbox.
    """

    def __init__(self, device: str, tell: Callable[[str], None], *, allow_pickle: bool = False) -> None:
        self.device, self.left, self._tell, self._allow_pickle = device, 1, tell, allow_pickle
        self._taken = False
        self._settings = ChildSettings.now(device=device)
        self._stock = Stock()
        self._stock.start(self._settings)

    def take(self) -> Child:
        """Return a child that no guest has been in; the caller closes it. UserError if the device is not available."""
        try:
            child = self._stock.take(self._settings)
        except HarnessError as error:
            if self._taken:
                raise
            found = Isolation(level=self._settings.level).without_sandbox(error)
            if self._allow_pickle:
                allow_pickles(found)
            self._tell(found.words)
            self._settings = ChildSettings.now(device=self.device, level=found.level)
            child = self._stock.take(self._settings)
        self._taken = True
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
