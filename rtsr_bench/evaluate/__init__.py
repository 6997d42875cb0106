"""The verb of the house: one model on one track becomes one record."""

from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.crops import CropBook
from rtsr_bench.evaluate.gallery import Gallery
from rtsr_bench.evaluate.measure import Listener, measure
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.plan import Job, Plan, plan, summed_up
from rtsr_bench.evaluate.reruns import answers

__all__ = [
    "Bench",
    "CropBook",
    "Gallery",
    "Job",
    "Listener",
    "Overrides",
    "Plan",
    "answers",
    "measure",
    "plan",
    "summed_up",
]
