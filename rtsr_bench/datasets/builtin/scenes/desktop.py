"""Text and interface: a desktop with an editor, a browser page, a terminal, a table and a dock (test)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.canvas import Canvas, Point, flat, gradient
from rtsr_bench.datasets.builtin.lettering import text_width, write
from rtsr_bench.datasets.builtin.maths import sine
from rtsr_bench.datasets.builtin.noise import uniform
from rtsr_bench.datasets.builtin.scenes.icons import icon
from rtsr_bench.datasets.builtin.words import lines, word

WIDTH = 3840
HEIGHT = 2160

_CODE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Frame:
    index: int
    width: int = 3840
    height: int = 2160

    def pixels(self) -> int:
        return self.width * self.height

def upscale(frame, scale=2, taps=4):
    # one pass over rows, one over columns
    rows = [resample(r, scale, taps) for r in frame]
    cols = [resample(c, scale, taps) for c in zip(*rows)]
    return clip(transpose(cols), 0, 255)

def resample(line, scale, taps):
    out = []
    for i in range(len(line) * scale):
        centre = (i + 0.5) / scale - 0.5
        total = 0.0
        for k in range(-taps // 2, taps // 2 + 1):
            x = min(max(int(centre) + k, 0), len(line) - 1)
            total += line[x] * cubic(centre - x)
        out.append(total)
    return out

def cubic(t, a=-0.75):
    t = abs(t)
    if t < 1:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    if t < 2:
        return (((t - 5) * t + 8) * t - 4) * a
    return 0.0

if __name__ == "__main__":
    for frame in stream("input.y4m"):
        show(upscale(frame), fps=60)
""".strip("\n").split("\n")

_KEYWORDS = {"from", "import", "class", "def", "return", "for", "in", "if"}


def window(canvas: Canvas, x: float, y: float, width: float, height: float, title: str, *, dark: bool = False) -> None:
    """A window's shadow, frame, title bar with three buttons, and title."""
    canvas.box(x - 4, y + 14, width + 8, height + 10, flat("04060c", 0.45), radius=26, blur=44)
    canvas.box(x, y, width, height, flat("1d2130" if dark else "fbfbfd"), radius=16)
    top, foot = ("343a4e", "292e40") if dark else ("eef0f5", "dcdfe8")
    canvas.box(x, y, width, 52, gradient(top, foot, (0, y), (0, y + 52)), radius=16)
    canvas.box(x, y + 26, width, 26, gradient(top, foot, (0, y), (0, y + 52)))
    canvas.box(x, y + 51, width, 1, flat("0e1018" if dark else "b9bdca"))
    for i, colour in enumerate(("ff5f57", "febc2e", "28c840")):
        canvas.circle(x + 28 + 28 * i, y + 26, 8.5, flat(colour))
    write(canvas, title, x + 0.5 * width, y + 34, 21, flat("c8cee0" if dark else "40465a"), anchor=0.5, weight=0.095)


def _token_colour(token: str) -> str:
    if token.strip() in _KEYWORDS:
        return "c792ea"
    if token.startswith(("@", '"')):
        return "f2b27a"
    if token[:1].isdigit():
        return "f78c6c"
    return "82aaff" if token.endswith(":") else "d7dcec"


def _minimap(canvas: Canvas, right: float, y: float) -> None:
    """Every line again, a few pixels high."""
    for i in range(150):
        line = _CODE[i % len(_CODE)]
        start = len(line) - len(line.lstrip())
        for k, token in enumerate(line.split()):
            shade = ("6d7897", "8a6fb0", "5d86b8", "7a8f6a")[(k + i) % 4]
            canvas.box(right - 150 + 2.2 * start, y + 70 + i * 5, 2.0 * len(token), 2.6, flat(shade, 0.8))
            start += len(token) + 1


def _editor(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    window(canvas, x, y, width, height, "upscale.py – editor", dark=True)
    canvas.box(x, y + 52, 250, height - 90, flat("171a26"))
    for i in range(26):
        indent = 18 * (i % 4 != 0) + 18 * (i % 7 > 4)
        name = f"{word(i, 5)}_{word(i, 6)}.py" if i % 4 else word(i, 7).upper()
        if i == 6:
            canvas.box(x + 8, y + 66 + i * 30, 234, 28, flat("2f4b7c"), radius=5)
        write(canvas, name[:18], x + 22 + indent, y + 86 + i * 30, 16, flat("9aa3bd" if i % 4 else "66708c"))
    row = 33.0
    for i, line in enumerate(_CODE):
        base = y + 100 + i * row
        if i == 18:
            canvas.box(x + 250, base - 23, width - 250, row, flat("2a3148"))
        write(canvas, str(i + 1), x + 306, base, 17, flat("4f5873"), fixed=True, anchor=1.0)
        pen = x + 330.0
        comment = False
        for token in line.replace("(", " ( ").replace("  ", " \0").split(" "):
            shown = token.replace("\0", " ")
            comment = comment or shown.startswith("#")
            colour = "6f8a63" if comment else _token_colour(shown)
            glued = shown == "("
            pen += write(canvas, shown, pen, base, 21, flat(colour), fixed=True, weight=0.09)
            pen += 0.0 if glued else text_width(" ", 21, fixed=True) * 0.75
    _minimap(canvas, x + width, y)
    canvas.box(x, y + height - 38, width, 38, flat("2f6fb5"), radius=16)
    canvas.box(x, y + height - 38, width, 20, flat("2f6fb5"))
    status = "main*   0 errors   2 warnings   Ln 19, Col 34   Spaces: 4   UTF-8   Python 3.11"
    write(canvas, status, x + 24, y + height - 13, 15, flat("f2f6ff"))


def _chart(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    canvas.box(x, y, width, height, flat("ffffff"))
    for i in range(7):
        level = y + height * i / 6.0
        canvas.box(x, level, width, 1, flat("d9dde6"))
        write(canvas, f"{60 - 10 * i}", x - 10, level + 5, 14, flat("727a8c"), anchor=1.0)
    for i in range(13):
        canvas.box(x + width * i / 12.0, y, 1, height, flat("eceff4"))
        write(canvas, f"{i * 5}", x + width * i / 12.0, y + height + 22, 14, flat("727a8c"), anchor=0.5)
    for series, colour in enumerate(("2a78d6", "e06c3c", "2f9e6e")):
        line: list[Point] = []
        level = 0.5 + 0.12 * series
        for i in range(121):
            level += 0.05 * (uniform(i, series, 501) - 0.5) + 0.02 * (0.35 + 0.16 * series - level)
            line.append((x + width * i / 120.0, y + height * level))
        under = [*line, (x + width, y + height), (x, y + height)]
        canvas.polygon(under, gradient(colour, "ffffff", (0, y), (0, y + height), opacity=0.16))
        canvas.stroke(line, 2.4, flat(colour))
        for i in range(0, 121, 10):
            canvas.circle(*line[i], 4.6, flat("ffffff"))
            canvas.circle(*line[i], 3.2, flat(colour))


def _browser(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    window(canvas, x, y, width, height, "Notes on sampling")
    canvas.box(x, y + 52, width, 58, flat("f1f3f7"))
    for i, arrow in enumerate(
        ([(8, 0), (-6, 0), (0, -6), (-6, 0), (0, 6)], [(-8, 0), (6, 0), (0, -6), (6, 0), (0, 6)])
    ):
        cx, cy = x + 36 + 40 * i, y + 81
        canvas.stroke([(cx + dx, cy + dy) for dx, dy in arrow], 2.2, flat("5a6377"))
    canvas.box(x + 110, y + 62, width - 200, 38, flat("ffffff"), radius=19)
    write(canvas, "https://sampling.example/notes/edges-and-halos?page=12", x + 134, y + 87, 17, flat("444c60"))
    left = x + 70
    write(canvas, "Edges, halos and the", left, y + 190, 58, flat("141826"), weight=0.12)
    write(canvas, "price of a pixel", left, y + 258, 58, flat("141826"), weight=0.12)
    write(canvas, "Published 12 March · 9 minutes · figures by the author", left, y + 302, 19, flat("7a8296"))
    canvas.box(left, y + 324, width - 140, 2, flat("d5d9e3"))
    half = 0.5 * (width - 180)
    for column in range(2):
        cx = left + column * (half + 40)
        for i, text in enumerate(lines(17, 50, 21 + column)):
            write(canvas, text, cx, y + 370 + i * 29, 18.5, flat("2b3040"), weight=0.082)
    _chart(canvas, left + 30, y + 890, width - 190, 250)
    write(canvas, "Figure 3. Frame time in ms over the first minute, three filters", left, y + 1195, 16, flat("6a7286"))
    for i, text in enumerate(lines(9, 132, 29)):
        write(canvas, text, left, y + 1240 + i * 20, 13, flat("4b5266"), weight=0.09)


def _terminal(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    window(canvas, x, y, width, height, "bench – terminal", dark=True)
    for i in range(22):
        base = y + 92 + i * 25
        done = 30 - int(uniform(i, 0, 61) * 12)
        write(canvas, f"[{i:02d}]", x + 26, base, 17, flat("5fd38d"), fixed=True)
        name = f"{word(i, 62)}-{word(i, 63)}"
        write(canvas, f"{name:<16}", x + 84, base, 17, flat("d6deee"), fixed=True)
        write(canvas, "#" * done + "." * (30 - done), x + 300, base, 17, flat("4f8fd8"), fixed=True)
        value = 24.0 + 18.0 * uniform(i, 1, 61)
        write(canvas, f"{value:.2f} dB {uniform(i, 2, 61) * 16:6.3f} ms", x + 720, base, 17, flat("e6c07b"), fixed=True)


def _table(canvas: Canvas, x: float, y: float, width: float, height: float) -> None:
    window(canvas, x, y, width, height, "results.csv – table")
    columns = ("rank", "model", "PSNR", "SSIM", "ms", "FPS", "MACs")
    step = (width - 60) / len(columns)
    for i in range(25):
        top = y + 66 + i * 26
        if i == 0 or i % 2 == 0:
            canvas.box(x + 14, top, width - 28, 26, flat("dfe6f3" if i == 0 else "f1f4f9"))
        row = (
            str(i), f"{word(i, 71)}{word(i, 72)}"[:13], f"{28 + 6 * uniform(i, 1, 73):.3f}",
            f"{0.8 + 0.15 * uniform(i, 2, 73):.4f}", f"{1 + 30 * uniform(i, 3, 73):.2f}",
            f"{20 + 300 * uniform(i, 4, 73):.1f}", f"{4 + 90 * uniform(i, 5, 73):.1f}G",
        )  # fmt: skip
        for k, text in enumerate(columns if i == 0 else row):
            weight = 0.12 if i == 0 else 0.085
            anchor = 0.0 if k == 1 else 1.0
            at = x + 30 + step * k + (24 if k == 1 else step - 10)
            write(canvas, text, at, top + 18, 14, flat("2c3448"), weight=weight, anchor=anchor)
    for k in range(1, len(columns)):
        canvas.box(x + 30 + step * k + 6, y + 66, 1, 26 * 25, flat("cbd2e0"))


def desktop() -> NDArray[Any]:
    """A 4K desktop with five windows, a menu bar and a dock; letters from 13 to 58 pixels."""
    canvas = Canvas(width=WIDTH, height=HEIGHT, background="16324f")
    canvas.box(0, 0, WIDTH, HEIGHT, gradient("12284a", "3f7f92", (0, 0), (WIDTH, HEIGHT)))
    for i in range(9):
        wave: list[Point] = [(-20.0, HEIGHT + 20.0)]
        wave += [
            (40.0 * k, 700 + 170.0 * i + 150.0 * sine(0.035 * k * (1 + 0.08 * i) + 0.8 * i)) for k in range(-1, 98)
        ]
        wave.append((WIDTH + 20.0, HEIGHT + 20.0))
        canvas.polygon(wave, gradient("53c0c4", "1c3c78", (0, 600), (WIDTH, 2100), opacity=0.13))
    _table(canvas, 2890, 130, 880, 740)
    _editor(canvas, 90, 110, 1500, 1560)
    _terminal(canvas, 2740, 930, 1030, 660)
    _browser(canvas, 1470, 250, 1240, 1440)
    canvas.box(0, 0, WIDTH, 44, flat("0c1220", 0.72))
    for i, name in enumerate(("Bench", "File", "Edit", "View", "Frames", "Window", "Help")):
        write(canvas, name, 40 + 118 * i, 30, 20, flat("eef2fa"), weight=0.13 if i == 0 else 0.09)
    write(canvas, "Thu 14 May  21:36", WIDTH - 36, 30, 20, flat("eef2fa"), anchor=1.0)
    canvas.box(1280, 1940, 1280, 176, flat("e8eef8", 0.28), radius=44)
    for i in range(9):
        icon(canvas, 1380 + 135 * i, 2028, 112, i % 6)
    for i in range(4):
        icon(canvas, 180 + 210 * i, 1800, 104, (i + 2) % 6)
        write(canvas, f"{word(i, 81)} {word(i, 82)}", 180 + 210 * i, 1888, 19, flat("f4f8ff"), anchor=0.5)
    cursor = [(2300, 1010), (2300, 1046), (2308, 1038), (2314, 1051), (2320, 1048), (2314, 1036), (2325, 1035)]
    canvas.polygon([(float(x), float(y)) for x, y in cursor], flat("101014"))
    canvas.stroke([(float(x), float(y)) for x, y in [*cursor, cursor[0]]], 1.8, flat("ffffff"))
    return canvas.finish()
