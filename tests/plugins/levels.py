"""A degradation from outside: `levelsN` keeps N grey levels of each channel."""

import numpy as np

from rtsr_bench.images.degradations import DEGRADATIONS, Effect


def alter(image, settings, seed):
    step = 255 / (int(settings["count"]) - 1)
    return (np.round(image / step) * step).astype(np.uint8)


DEGRADATIONS.add(
    Effect(
        name="levels",
        settings=r"(?P<count>[2-9]|[1-9]\d|1\d\d)",
        form="levelsN (N 2..199)",
        words=lambda settings: f"{settings['count']} levels a channel",
        alter=alter,
    )
)
