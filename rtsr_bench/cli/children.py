"""Children for one model after another: the next one starts while a model is checked."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rtsr_bench.sandbox import Child, ChildSettings, Stock


class Children:
    """Hands out children of one device. The first starts at once; when the block ends, nothing of them is left.

    `left` is how many are needed still: none is started beyond that.
    """

    def __init__(self, device: str) -> None:
        self.device, self.left = device, 1
        self._settings = ChildSettings.now(device=device)
        self._stock = Stock()
        self._stock.start(self._settings)

    def take(self) -> Child:
        """Return a child that no guest has been in; the caller closes it. UserError if the device is not available."""
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
