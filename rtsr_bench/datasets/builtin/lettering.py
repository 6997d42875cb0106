"""A stroke font of our own: letters are lines on a grid, so text looks the same whatever fonts a machine has.

Grid: x to the right, y down, one digit each; the baseline is y = 6, capitals reach y = 0, small letters y = 2,
descenders y = 8. A glyph is its strokes: `03` is the point (0, 3); a stroke that starts with `~` is a rounded curve
with its ends kept, one that starts with `@` a closed rounded ring.
"""

from __future__ import annotations

from functools import cache

from rtsr_bench.datasets.builtin.canvas import Canvas, Paint, Point, rounded

_STROKES = """
0 @00404606|1 012026|2 ~0100404206 0646|3 ~00404313 ~13434606|4 36300444|5 400003 ~03434606|6 ~300005 @03434606
7 004016|8 @00404303 @03434606|9 @00404303 ~414616
A 062046 1434|B 0006 ~00404303 ~03434606|C ~414000064645|D 0006 ~00404606|E 40000646 0333|F 400006 0333
G ~414000064643 4323|H 0006 4046 0343|I 0006|J ~30360605|K 0006 4004 1346|L 000636|M 0600234046|N 06004640
O @00505606|P 0006 ~00404303|Q @00505606 3457|R 0006 ~00404303 2346|S ~4140000343460605|T 0040 2026|U ~00064640
V 002640|W 0016314660|X 0046 4006|Y 002340 2326|Z 00400646
a @02424606 4246|b 0006 @02424606|c ~434202064645|d @02424606 4046|e 0444 ~444202064645|f ~301016 0232
g @02424606 ~42480807|h 0006 ~04024246|i 0206 0000|j ~121808 1010|k 0006 3204 1336|l 0006
m 0206 ~04023236 ~34326266|n 0206 ~04024246|o @02424606|p 0208 @02424606|q @02424606 4248|r 0206 ~040232
s ~3332020434360605|t ~101636 0232|u ~02064642 4246|v 022642|w 0216325662|x 0236 3206|y 0226 4218|z 02320636
! 0004 0606|" 0001 2021|# 1016 3036 0242 0444|$ ~4140000343460605 2027|% 4006 @00202202 @24444624
& ~461010303204063644|' 0001|( ~10000616|) ~00101606|* 1115 0234 3204|+ 2226 0444|, 0607|- 0434|. 0606|/ 3006
: 0303 0606|; 0303 0607|< 320436|> 023406|= 0343 0545|? ~010040422324 2626|@ @00606707 @22424424 ~42456461
[ 10000616|] 00101606|_ 0747|{ ~20101303131626|} ~00101323131606|~ ~04123442|^ 022042|° @00202202|· 0404
→ 0454 325436|× 1236 3216|– 0444
"""

SIDE_BEARING = 1.7  # grid units between the rightmost stroke of a letter and the next letter
FIXED_ADVANCE = 5.6


def _parse() -> dict[str, list[list[Point]]]:
    glyphs: dict[str, list[list[Point]]] = {" ": []}
    for entry in _STROKES.strip().replace("\n", "|").split("|"):
        letter, *strokes = entry.split(" ")
        glyphs[letter] = []
        for stroke in strokes:
            digits = stroke.lstrip("~@") if letter not in "~@" or len(stroke) > 1 else stroke
            points: list[Point] = [(float(digits[i]), float(digits[i + 1])) for i in range(0, len(digits), 2)]
            if stroke[0] == "@":
                ring = rounded(points)
                points = [*ring, ring[0]]
            elif stroke[0] == "~":
                points = rounded(points, closed=False)
            glyphs[letter].append(points)
    return glyphs


@cache
def glyphs() -> dict[str, list[list[Point]]]:
    """Strokes of every letter, curves resolved, in grid units."""
    return _parse()


def _advance(letter: str) -> float:
    strokes = glyphs()[letter]
    if not strokes:
        return 3.4
    return max(x for stroke in strokes for x, _ in stroke) + SIDE_BEARING


def text_width(text: str, size: float, *, fixed: bool = False, tracking: float = 0.0) -> float:
    """Pixels from the start of the first letter to the start of a letter that would follow."""
    units = 0.0
    for letter in text:  # not sum(): Python 3.12 and later round it another way
        units += FIXED_ADVANCE if fixed else _advance(letter) + tracking
    return units * (size * 0.7 / 6.0)


def write(
    canvas: Canvas,
    text: str,
    x: float,
    y: float,
    size: float,
    paint: Paint,
    *,
    weight: float = 0.085,
    fixed: bool = False,
    tracking: float = 0.0,
    anchor: float = 0.0,
) -> float:
    """Write one line from x (anchor 0), about x (0.5) or up to x (1) on the baseline y; returns its width.

    `size` is the em in pixels (capitals are 0.7 of it), `weight` the stroke's width as a part of it.
    """
    unit = size * 0.7 / 6.0
    width = text_width(text, size, fixed=fixed, tracking=tracking)
    pen = x - anchor * width
    lines: list[list[Point]] = []
    for letter in text:
        inset = 0.5 * (FIXED_ADVANCE - _advance(letter)) if fixed else 0.0
        left = pen + inset * unit
        lines += [[(left + px * unit, y + (py - 6.0) * unit) for px, py in stroke] for stroke in glyphs()[letter]]
        pen += (FIXED_ADVANCE if fixed else _advance(letter) + tracking) * unit
    if lines:
        canvas.stroke(lines, size * weight, paint)
    return width
