"""Text for the scenes with writing in them: sentences made of a small vocabulary by integer hashing."""

from __future__ import annotations

from rtsr_bench.datasets.builtin.noise import hashed

_WORDS = [
    "the",
    "image",
    "of",
    "a",
    "small",
    "detail",
    "that",
    "the",
    "eye",
    "can",
    "follow",
    "along",
    "an",
    "edge",
    "where",
    "light",
    "meets",
    "shadow",
    "and",
    "every",
    "pixel",
    "has",
    "its",
    "own",
    "reason",
    "frame",
    "by",
    "frame",
    "a",
    "filter",
    "learns",
    "to",
    "draw",
    "what",
    "was",
    "lost",
    "between",
    "two",
    "samples",
    "while",
    "time",
    "runs",
    "at",
    "sixty",
    "frames",
    "each",
    "second",
    "sharp",
    "lines",
    "stay",
    "sharp",
    "and",
    "soft",
    "things",
    "stay",
    "soft",
    "because",
    "nobody",
    "likes",
    "a",
    "halo",
    "around",
    "a",
    "letter",
    "texture",
    "grass",
    "water",
    "stone",
    "leaf",
    "window",
    "wire",
    "fence",
    "brick",
    "tile",
    "road",
    "cloud",
    "hill",
    "river",
    "lamp",
    "paper",
    "ink",
    "glass",
]


def word(index: int, seed: int) -> str:
    """One word."""
    return _WORDS[hashed(index, 0, seed) % len(_WORDS)]


def sentence(index: int, seed: int) -> str:
    """A sentence of 6 to 13 words."""
    count = 6 + hashed(index, 1, seed) % 8
    text = " ".join(word(index * 16 + i, seed) for i in range(count))
    return text[0].upper() + text[1:] + "."


def lines(count: int, letters: int, seed: int) -> list[str]:
    """`count` lines of at most `letters` letters, as running text."""
    result: list[str] = []
    line = ""
    index = 0
    while len(result) < count:
        for token in sentence(index, seed).split():
            if len(line) + 1 + len(token) > letters:
                result.append(line)
                line = token
            else:
                line = f"{line} {token}".strip()
        index += 1
    return result[:count]
