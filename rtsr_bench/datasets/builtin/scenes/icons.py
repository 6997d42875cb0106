"""Application icons for the desktop: a compass, a list, bars, a heart, a star, a grid."""

from __future__ import annotations

from rtsr_bench.datasets.builtin.canvas import Canvas, flat, gradient, rounded
from rtsr_bench.datasets.builtin.maths import TAU, cosine, sine


def icon(canvas: Canvas, cx: float, cy: float, size: float, kind: int) -> None:
    """Draw icon `kind` (0 to 5) about (cx, cy), `size` pixels wide."""
    top, foot = (
        ("5ac8fa", "1d6fe0"),
        ("ffcc66", "f07a24"),
        ("a6e36a", "2f9a4a"),
        ("f78fb3", "c2366b"),
        ("c3a6ff", "6a45c8"),
        ("f4f6fb", "b6becf"),
    )[kind % 6]
    half = 0.5 * size
    canvas.box(cx - half, cy - half + 4, size, size, flat("000000", 0.35), radius=0.24 * size, blur=12)
    canvas.box(
        cx - half, cy - half, size, size, gradient(top, foot, (0, cy - half), (0, cy + half)), radius=0.24 * size
    )
    ink = flat("26314a" if kind % 6 == 5 else "ffffff")
    r = 0.26 * size
    if kind == 0:
        canvas.stroke(
            [(cx + r * cosine(TAU * i / 48), cy + r * sine(TAU * i / 48)) for i in range(49)], 0.06 * size, ink
        )
        canvas.polygon(
            [
                (cx + 0.8 * r, cy - 0.8 * r),
                (cx + 0.2 * r, cy + 0.2 * r),
                (cx - 0.8 * r, cy + 0.8 * r),
                (cx - 0.2 * r, cy - 0.2 * r),
            ],
            ink,
        )
    elif kind == 1:
        for i in range(3):
            canvas.box(cx - r, cy - r + i * 0.8 * r, 2 * r, 0.4 * r, ink, radius=0.2 * r)
    elif kind == 2:
        for i in range(5):
            canvas.box(
                cx - r + i * 0.45 * r,
                cy + r - (0.5 + 0.36 * ((i * 3) % 5)) * r,
                0.28 * r,
                (0.5 + 0.36 * ((i * 3) % 5)) * r,
                ink,
            )
    elif kind == 3:
        heart = [
            (cx, cy + r),
            (cx - 1.5 * r, cy - 0.1 * r),
            (cx - 0.8 * r, cy - 1.3 * r),
            (cx, cy - 0.5 * r),
            (cx + 0.8 * r, cy - 1.3 * r),
            (cx + 1.5 * r, cy - 0.1 * r),
        ]
        canvas.polygon(rounded(heart, rounds=4), ink)
    elif kind == 4:
        star = [
            (
                cx + (1.15 if i % 2 == 0 else 0.5) * r * sine(TAU * i / 10),
                cy - (1.15 if i % 2 == 0 else 0.5) * r * cosine(TAU * i / 10),
            )
            for i in range(10)
        ]
        canvas.polygon(star, ink)
    else:
        for i in range(9):
            canvas.box(cx - r + (i % 3) * 0.75 * r, cy - r + (i // 3) * 0.75 * r, 0.5 * r, 0.5 * r, ink, radius=0.1 * r)
