"""One model on one track becomes one record: what to measure (plan, job), and how."""

from rtsr_bench.evaluate.bench import Bench
from rtsr_bench.evaluate.gallery import Gallery
from rtsr_bench.evaluate.job import Job
from rtsr_bench.evaluate.keeping import measure_and_save
from rtsr_bench.evaluate.listener import Listener
from rtsr_bench.evaluate.measure import measure
from rtsr_bench.evaluate.overrides import Overrides
from rtsr_bench.evaluate.plan import Asked, Plan, plan, summed_up
from rtsr_bench.evaluate.reruns import answers

__all__ = [
    "Asked",
    "Bench",
    "Gallery",
    "Job",
    "Listener",
    "Overrides",
    "Plan",
    "answers",
    "measure",
    "measure_and_save",
    "plan",
    "summed_up",
]
