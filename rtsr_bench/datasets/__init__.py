"""Named, verified LR/HR images: search, verification and pairing."""

from rtsr_bench.datasets.catalog import degradation_words, find_dataset, known_sets, own_sets
from rtsr_bench.datasets.dataset import Dataset, ImagePair, Missing
from rtsr_bench.datasets.places import data_roots
from rtsr_bench.files.fetch import Recipe, obtain

__all__ = [
    "Dataset",
    "ImagePair",
    "Missing",
    "Recipe",
    "data_roots",
    "degradation_words",
    "find_dataset",
    "known_sets",
    "obtain",
    "own_sets",
]
