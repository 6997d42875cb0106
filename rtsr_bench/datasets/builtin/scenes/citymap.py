"""Vector art for training: a street map with water, parks, blocks, roads, railways, labels and pins."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from rtsr_bench.datasets.builtin.canvas import Canvas, Point, ellipse, flat, gradient, rounded
from rtsr_bench.datasets.builtin.lettering import text_width, write
from rtsr_bench.datasets.builtin.maths import TAU, cosine, sine
from rtsr_bench.datasets.builtin.noise import gradient_noise, uniform
from rtsr_bench.datasets.builtin.words import word

WIDTH = 2560
HEIGHT = 1440


def _bent(x: float, y: float) -> Point:
    """The town's grid, turned and bent by its history."""
    u = x + 70.0 * gradient_noise(x / 700.0, y / 700.0, 1401)
    v = y + 70.0 * gradient_noise(x / 700.0 + 4.0, y / 700.0, 1402)
    return 0.966 * (u - 1280.0) - 0.259 * (v - 720.0) + 1280.0, 0.259 * (u - 1280.0) + 0.966 * (v - 720.0) + 720.0


def _blocks(canvas: Canvas) -> None:
    for j in range(-6, 20):
        for i in range(-6, 34):
            x = i * 92.0
            y = j * 104.0
            if uniform(i, j, 1411) < 0.07:
                corners = [(x + 6, y + 6), (x + 86, y + 6), (x + 86, y + 98), (x + 6, y + 98)]
                canvas.polygon(rounded([_bent(*p) for p in corners], rounds=2), flat("bfe0a8"))
                for k in range(7):
                    tx, ty = _bent(x + 16 + 60 * uniform(k, i, 1412), y + 16 + 70 * uniform(k, j, 1413))
                    canvas.circle(tx, ty, 6.5, flat("8cc27a"))
                continue
            count = 2 + int(uniform(i, j, 1414) * 3)
            for k in range(count):
                step = 80.0 / count
                for row in range(2):
                    left = x + 7 + k * step + 2
                    top = y + 7 + row * 47 + 8 * uniform(k + 9 * i, j + row, 1415)
                    right = left + step - 4 - 6 * uniform(k + 9 * i, j + row, 1416)
                    low = y + 50 + row * 47 - 8 * uniform(k + 9 * i, j + row, 1417)
                    ring = [_bent(*p) for p in ((left, top), (right, top), (right, low), (left, low))]
                    tone = ("e3dacb", "dcd0c2", "e9e2d6", "d5cabb")[int(uniform(k + i, j + row, 1418) * 4)]
                    canvas.polygon([(px + 1.6, py + 2.2) for px, py in ring], flat("9c9284", 0.6))
                    canvas.polygon(ring, flat(tone))
                    canvas.stroke([*ring, ring[0]], 1.0, flat("b8ac9a"))


def _road(canvas: Canvas, points: list[Point], width: float, fill: str, edge: str) -> None:
    canvas.stroke(points, width + 3.0, flat(edge))
    canvas.stroke(points, width, flat(fill))


def _roads(canvas: Canvas) -> None:
    for i in range(-6, 34):
        line = [_bent(i * 92.0, y * 26.0) for y in range(-25, 80)]
        _road(canvas, line, 8.0 if i % 4 else 15.0, "ffffff" if i % 4 else "fce9a9", "cfc6b8" if i % 4 else "dcb45c")
    for j in range(-6, 20):
        line = [_bent(x * 23.0, j * 104.0) for x in range(-25, 140)]
        _road(canvas, line, 8.0 if j % 3 else 15.0, "ffffff" if j % 3 else "fce9a9", "cfc6b8" if j % 3 else "dcb45c")
    ring = [(1240 + 830 * cosine(TAU * i / 160), 730 + 560 * sine(TAU * i / 160)) for i in range(161)]
    _road(canvas, ring, 24.0, "f7b267", "c4752b")
    canvas.stroke(ring, 1.4, flat("fff3df"))
    rail = rounded(
        [(-20.0, 1180.0), (620.0, 1010.0), (1150.0, 1120.0), (1800.0, 760.0), (2600.0, 560.0)], rounds=5, closed=False
    )
    canvas.stroke(rail, 7.0, flat("6b6f7a"))
    for i in range(len(rail) - 1):
        (ax, ay), (bx, by) = rail[i], rail[i + 1]
        for k in range(6):
            if k % 2 == 0:
                t0, t1 = k / 6.0, (k + 1) / 6.0
                canvas.stroke(
                    [(ax + (bx - ax) * t0, ay + (by - ay) * t0), (ax + (bx - ax) * t1, ay + (by - ay) * t1)],
                    4.0,
                    flat("f4f4f6"),
                )


def _river(canvas: Canvas) -> None:
    middle = rounded(
        [(380.0, -60.0), (520.0, 320.0), (980.0, 470.0), (1020.0, 900.0), (1500.0, 1130.0), (1620.0, 1520.0)],
        rounds=5,
        closed=False,
    )
    canvas.stroke(middle, 108.0, flat("8fb8d6"))
    canvas.stroke(middle, 100.0, flat("a9d3ec"))
    for k in range(-3, 4):
        canvas.stroke([(x + 11.0 * k, y + 3.0 * k) for x, y in middle], 1.2, flat("93c3e0"))
    canvas.polygon(rounded(ellipse(1010.0, 640.0, 30.0, 80.0, sides=14), rounds=3), flat("bfe0a8"))
    lake: list[Point] = []
    for i in range(90):
        c, n = cosine(TAU * i / 90), sine(TAU * i / 90)
        bay = 60.0 * gradient_noise(2.0 * c, 2.0 * n, 1431)
        lake.append((2120.0 + (190.0 + bay) * c, 1090.0 + (150.0 + bay) * n))
    canvas.polygon(lake, gradient("b6dcf1", "8fc1e2", (2000, 950), (2250, 1250)))
    for k in range(1, 5):
        inner = [(2120 + (x - 2120) * (1 - 0.16 * k), 1090 + (y - 1090) * (1 - 0.16 * k)) for x, y in lake]
        canvas.stroke([*inner, inner[0]], 1.3, flat("7fb4d8", 0.8))


def _labels(canvas: Canvas) -> None:
    for i in range(70):
        x, y = _bent(92.0 * int(uniform(i, 1, 1441) * 28), 104.0 * int(uniform(i, 2, 1441) * 14))
        name = f"{word(i, 1442).title()} {('Street', 'Lane', 'Road', 'Row')[i % 4]}"
        size = 13.0 + 3.0 * (i % 3)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            write(canvas, name, x + 9 + dx, y - 4 + dy, size, flat("ffffff", 0.8), weight=0.16)
        write(canvas, name, x + 9, y - 4, size, flat("4a4038"), weight=0.10)
    for i in range(15):
        x, y = 150 + 2260 * uniform(i, 1, 1451), 140 + 1160 * uniform(i, 2, 1451)
        colour = ("d8433b", "2b6fc2", "7b3fa0", "1e8a5a")[i % 4]
        canvas.polygon([(x, y + 30), (x - 13, y + 5), (x + 13, y + 5)], flat(colour))
        canvas.circle(x, y, 16.0, flat(colour))
        canvas.circle(x, y, 6.5, flat("ffffff"))
    for x, y, name in (
        (1240.0, 700.0, "OLD TOWN"),
        (430.0, 520.0, "HARBOUR"),
        (2080.0, 420.0, "NORTH HILL"),
        (1780.0, 1240.0, "MILLFIELD"),
    ):
        width = text_width(name, 50, tracking=2.0)
        write(canvas, name, x - 0.5 * width, y, 50, flat("ffffff", 0.85), weight=0.20, tracking=2.0)
        write(canvas, name, x - 0.5 * width, y, 50, flat("5a3d5c"), weight=0.10, tracking=2.0)


def city_map() -> NDArray[Any]:
    """A printed street map with a legend."""
    canvas = Canvas(width=WIDTH, height=HEIGHT, background="f3eee4")
    _blocks(canvas)
    _river(canvas)
    _roads(canvas)
    _labels(canvas)
    canvas.box(40, 1150, 470, 250, flat("20242c", 0.30), radius=12, blur=18)
    canvas.box(40, 1146, 470, 250, flat("fffdf8"), radius=12)
    write(canvas, "CITY MAP  1 : 10 000", 66, 1192, 26, flat("2a2a30"), weight=0.12)
    for i, (name, colour) in enumerate(
        (("motorway", "f7b267"), ("main road", "fce9a9"), ("street", "e4ddd2"), ("park", "bfe0a8"), ("water", "a9d3ec"))
    ):
        canvas.box(68, 1216 + 32 * i, 56, 18, flat(colour), radius=4)
        write(canvas, name, 144, 1232 + 32 * i, 19, flat("3a3a42"))
    for k in range(10):
        canvas.box(290 + 20 * k, 1370, 20, 7, flat("2a2a30" if k % 2 == 0 else "ffffff"))
    write(canvas, "0            500 m", 288, 1362, 15, flat("2a2a30"))
    return canvas.finish()
