"""The built-in set: the same pixels everywhere, kept safely."""

from __future__ import annotations

import ast
import hashlib
import importlib
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

import rtsr_bench.datasets.builtin as package
from rtsr_bench.datasets.builtin import (
    BuiltinImage,
    builtin_images,
    catalogue,
    image_pixels,
    left_out,
    maths,
    noise,
    photographs,
)
from rtsr_bench.datasets.builtin.pins import PINS
from rtsr_bench.errors import HarnessError, UserError
from rtsr_bench.protocol import Size

FOLDER = Path(package.__file__).parent
ALL = builtin_images()
QUICK = {"chart-resolution.png", "vector-balloons.png"}
UHD = Size(2160, 3840)


class Part(NamedTuple):
    """Where a picture is painted: in bands of rows, or of columns, of which every n-th is drawn here; their SHA-256."""

    scene: str
    every: int
    sha256: str
    columns: bool = False


PARTS = {
    "game-courtyard.png": Part("tracer", 10, "27ca14498bab7db6a6917780db0feaf24deab408e007f1aa70f64db95a099e11"),
    "nature-lake.png": Part(
        "landscape", 10, "154cf3a57ec20f12371c746e8648116f08daae2dd2f01cdb325d4e1a5eca108e", columns=True
    ),
}
"""Pictures that take a CPU half a minute. `image_pixels` compares the whole picture with its pin wherever it is drawn;
with RTSR_BENCH_WHOLE_PICTURES set, these tests do so as well."""


def pixels_sha256(pixels: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def small(calls: list[str], value: int = 7) -> BuiltinImage:
    """A picture that is drawn in no time and says each time that it was."""
    pixels = np.full((6, 9, 3), value, dtype=np.uint8)

    def render() -> np.ndarray[Any, Any]:
        calls.append("drawn")
        return pixels.copy()

    return BuiltinImage(
        name="small.png",
        category="test",
        size=Size(6, 9),
        sha256=pixels_sha256(pixels),
        render=render,
        source="these tests",
    )


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pictures are kept in this test."""
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "builtin-v1"


@pytest.fixture
def fresh_photographs() -> Iterator[None]:
    """Forget which photographs were found, before and after."""
    left_out.cache_clear()
    yield
    left_out.cache_clear()


# The set


def test_listing_the_set_draws_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from rtsr_bench.datasets.builtin import builtin_images\n"
        "assert builtin_images()\n"
        "print(sorted({'numba', 'torch', 'skimage', 'scipy', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_at_least_six_kinds_of_4k_pictures_are_measured_on() -> None:
    drawn = [image for image in builtin_images() if image.category != "photograph"]
    assert len(drawn) >= 6
    assert {image.size for image in drawn} == {UHD}
    assert {image.category for image in drawn} == {
        "vector art",
        "text and interface",
        "game-like render",
        "fractal",
        "natural texture",
        "fine patterns",
    }


def test_photographs_are_lossless() -> None:
    assert left_out() == {}
    assert all(p.file.endswith(".png") for p in photographs.PHOTOGRAPHS)


def test_no_picture_is_listed_twice() -> None:
    scenes = [entry[3] for entry in catalogue._SCENES]
    assert len({image.name for image in ALL}) == len(ALL)
    assert len({image.sha256 for image in ALL}) == len(ALL)
    assert len(set(scenes)) == len(scenes)


def test_every_pin_belongs_to_apicture() -> None:
    assert [image.name for image in ALL] == list(PINS)
    assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in PINS.values())


def test_every_picture_names_its_author_and_licence() -> None:
    for image in ALL:
        assert re.search("Apache-2.0|CC0|public domain", image.source), image.name


@pytest.mark.parametrize(
    "image", [i for i in ALL if i.category == "photograph" or i.name in QUICK], ids=lambda i: i.name
)
def test_pictures_come_out_as_pinned(image: BuiltinImage) -> None:
    assert_as_pinned(image)


@pytest.mark.slow
@pytest.mark.parametrize("image", [i for i in ALL if i.category != "photograph" and i.name not in QUICK | set(PARTS)],
                         ids=lambda i: i.name)  # fmt: skip
def test_dear_pictures_come_out_as_pinned(image: BuiltinImage) -> None:
    assert_as_pinned(image)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_parts_of_the_dearest_pictures_come_out_as_pinned(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    part = PARTS[name]
    image = next(image for image in ALL if image.name == name)
    if os.environ.get("RTSR_BENCH_WHOLE_PICTURES"):
        assert_as_pinned(image)
        return
    scene = importlib.import_module(f"rtsr_bench.datasets.builtin.scenes.{part.scene}")
    bands: list[tuple[int, int]] = []

    def in_some_bands(draw: Any, end: int, *args: Any, rows: int = 60) -> None:
        """As `in_bands`, with the last thing drawn in parts only: what it reads is whole."""
        every = part.every if draw is scene._paint else 1
        bands[:] = [(start, min(end, start + rows)) for start in range(0, end, rows * every)]
        for band in bands:
            draw(*band, *args)

    monkeypatch.setattr(scene, "in_bands", in_some_bands)
    pixels = image.render()
    assert pixels.shape == (image.size.height, image.size.width, 3)
    drawn = [pixels[:, first:end] if part.columns else pixels[first:end] for first, end in bands]
    assert hashlib.sha256(b"".join(one.tobytes() for one in drawn)).hexdigest() == part.sha256


def assert_as_pinned(image: BuiltinImage) -> None:
    pixels = image.render()
    assert pixels.dtype == np.uint8
    assert pixels.shape == (image.size.height, image.size.width, 3)
    assert pixels.flags.c_contiguous
    assert pixels_sha256(pixels) == image.sha256


# Keeping


def test_a_picture_is_drawn_once_and_then_kept(kept: Path) -> None:
    calls: list[str] = []
    image = small(calls)
    first = image_pixels(image)
    again = image_pixels(image)
    assert calls == ["drawn"]
    assert np.array_equal(first, again)
    assert [path.name for path in kept.iterdir()] == ["small.png"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _other_picture(path: Path) -> None:
    Image.new("RGB", (9, 6), (1, 2, 3)).save(path)


def _other_size(path: Path) -> None:
    Image.new("RGB", (18, 3), (7, 7, 7)).save(path)


def _text(path: Path) -> None:
    path.write_text("not a picture")


@pytest.mark.parametrize("harm", [_cut, _other_picture, _other_size, _text])
def test_a_damaged_or_foreign_kept_file_is_replaced(kept: Path, harm: Any) -> None:
    calls: list[str] = []
    image = small(calls)
    good = image_pixels(image)
    harm(kept / image.name)
    assert np.array_equal(image_pixels(image), good)
    assert calls == ["drawn", "drawn"]
    assert np.array_equal(image_pixels(image), good)
    assert calls == ["drawn", "drawn"]


def test_a_picture_that_comes_out_otherwise_is_refused_naming_both_hashes(kept: Path) -> None:
    image = small([])
    wrong = replace(image, sha256="0" * 64)
    with pytest.raises(HarnessError) as caught:
        image_pixels(wrong)
    message = str(caught.value)
    assert "\n" not in message
    assert "0" * 64 in message
    assert image.sha256 in message
    assert not kept.exists()


def test_unwritable_cache_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RTSR_BENCH_CACHE", str(tmp_path / "file"))
    calls: list[str] = []
    with pytest.warns(RuntimeWarning, match=r"small\.png could not be cached"):
        pixels = image_pixels(small(calls))
    assert pixels[0, 0, 0] == 7


def test_processes_that_draw_at_once_leave_one_whole_file(kept: Path) -> None:
    name = "photo-chelsea.png"
    code = f"from rtsr_bench.datasets.builtin import image_pixels; image_pixels({name!r})"
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert [path.name for path in kept.iterdir()] == [name]
    assert pixels_sha256(np.asarray(Image.open(kept / name))) == PINS[name]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no built-in image 'moon'.*ui-desktop\.png") as caught:
        image_pixels("moon")
    assert "\n" not in str(caught.value)


# Photographs of another scikit-image


@pytest.mark.usefixtures("fresh_photographs", "kept")
def test_a_missing_photograph_is_left_out_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "folder", lambda: tmp_path)
    assert not [image for image in builtin_images() if image.category == "photograph"]
    reason = left_out()["photo-coffee.png"]
    assert "coffee.png" in reason
    assert "\n" not in reason
    with pytest.raises(UserError, match=r"coffee\.png in scikit-image"):
        image_pixels("photo-coffee.png")


@pytest.mark.usefixtures("fresh_photographs")
def test_a_photograph_with_other_pixels_is_left_out_naming_both_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (600, 400), (9, 9, 9)).save(tmp_path / "coffee.png")
    found = hashlib.sha256(bytes([9]) * (600 * 400 * 3)).hexdigest()
    monkeypatch.setattr(photographs, "folder", lambda: tmp_path)
    reason = left_out()["photo-coffee.png"]
    assert found in reason
    assert PINS["photo-coffee.png"] in reason


@pytest.mark.usefixtures("fresh_photographs")
def test_without_scikit_image_the_drawn_pictures_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photographs, "folder", lambda: None)
    assert len(builtin_images()) >= 6
    assert "install it" in left_out()["photo-chelsea.png"]


# The same bits everywhere

ALLOWED_NUMPY = {"array", "empty", "zeros", "ones", "uint8", "float32", "float64", "int64"}
MODULES = sorted(path for path in FOLDER.rglob("*.py"))


def _offences(tree: ast.AST) -> Iterator[str]:
    """What could round otherwise on another machine: library maths, powers, reductions, reordering, chance."""
    for node in ast.walk(tree):
        where = f"line {getattr(node, 'lineno', '?')}"
        match node:
            case ast.Import(names=names) if any(n.name in {"math", "random", "cmath", "statistics"} for n in names):
                yield f"{where}: import of a whole module of maths or chance"
            case ast.ImportFrom(module="math", names=names) if {n.name for n in names} != {"sqrt"}:
                yield f"{where}: from math only sqrt, which IEEE 754 defines to the bit"
            case ast.ImportFrom(module="random" | "cmath" | "statistics" | "numpy"):
                yield f"{where}: {ast.unparse(node)}"
            case ast.Attribute(value=ast.Name(id="np"), attr=attribute) if attribute not in ALLOWED_NUMPY | {"ndarray"}:
                yield f"{where}: np.{attribute}"
            case ast.Attribute(attr="sum" | "mean" | "std" | "dot" | "prod" | "cumsum"):
                yield f"{where}: {ast.unparse(node)}"
            case ast.Call(func=ast.Name(id="sum" | "pow" | "round")):
                yield f"{where}: {ast.unparse(node)}"
            case ast.BinOp(op=ast.Pow() | ast.MatMult()):
                yield f"{where}: {ast.unparse(node)}"
            case ast.keyword(arg="fastmath" | "parallel" | "cache"):
                yield f"{where}: {ast.unparse(node)}"


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_only_operations_that_ieee_754_defines_to_the_bit(module: Path) -> None:
    assert list(_offences(ast.parse(module.read_text()))) == []


@pytest.mark.parametrize(
    "line",
    [
        "x ** 0.5",
        "np.sin(x)",
        "import math",
        "from math import sin",
        "sum(x)",
        "a @ b",
        "x.sum()",
        "njit(fastmath=True)",
    ],
)
def test_the_rule_sees_what_it_forbids(line: str) -> None:
    assert list(_offences(ast.parse(line)))


ARGUMENTS = [-1000.25, -40.5, -3.0, -0.7, -1e-9, 0.0, 1e-7, 0.1, 0.5, 0.99, 1.0, 1.6, 2.5, 7.0, 33.3, 512.75, 98765.4]
FUNCTIONS = [
    (maths.sine, math.sin, ARGUMENTS),
    (maths.cosine, math.cos, ARGUMENTS),
    (maths.arctangent, math.atan, ARGUMENTS),
    (maths.exponential, math.exp, [x for x in ARGUMENTS if abs(x) < 700]),
    (maths.logarithm, math.log, [x for x in ARGUMENTS if x > 0]),
]


@pytest.mark.parametrize(("ours", "theirs", "arguments"), FUNCTIONS, ids=lambda f: getattr(f, "__name__", ""))
def test_own_functions_are_accurate(ours: Any, theirs: Any, arguments: list[float]) -> None:
    for x in arguments:
        # Angles are reduced in two steps, which costs a few bits where they are large.
        assert ours(x) == pytest.approx(theirs(x), rel=1e-13, abs=1e-13 + 1e-18 * abs(x)), x


def test_angle_and_power_agree_with_the_library() -> None:
    for x in (-2.0, -0.3, 0.0, 0.4, 5.0):
        for y in (-3.0, -0.2, 0.0, 0.6, 4.0):
            assert maths.angle(y, x) == pytest.approx(math.atan2(y, x), abs=1e-14)
    assert maths.power(2.5, 1.7) == pytest.approx(2.5**1.7, rel=1e-14)
    assert maths.power(0.0, 0.3) == 0.0


def test_compiled_functions_give_the_bits_of_the_interpreter() -> None:
    for ours, _, arguments in FUNCTIONS:
        for x in arguments:
            assert ours(x).hex() == ours.py_func(x).hex()
    for k in range(200):
        x, y = 0.37 * k - 20.0, 11.0 - 0.73 * k
        assert noise.gradient_noise(x, y, k).hex() == noise.gradient_noise.py_func(x, y, k).hex()


def test_compiled_code_holds_no_fused_multiply_add() -> None:
    noise.fractal_noise(0.3, 0.4, 3, 5)
    maths.logarithm(3.0)
    for function in (noise.fractal_noise, maths.logarithm):
        assembly = "\n".join(function.inspect_asm().values())
        assert re.search(r"\bv?mul[sp]d|\bfmul\b", assembly), "this test looks for multiplications of the wrong name"
        assert not re.search(r"\bv?fn?m(add|sub|la|ls)", assembly)


INTERPRETED = """
import hashlib
import numpy as np
from rtsr_bench.datasets.builtin.canvas import Canvas, ellipse, flat, gradient
from rtsr_bench.datasets.builtin.lettering import write
from rtsr_bench.datasets.builtin.scenes import fractals
canvas = Canvas(width=64, height=40, background="203040")
canvas.box(5, 4, 30, 20, gradient("ff8000", "0040ff", (5, 4), (35, 24)), radius=5, blur=3)
canvas.polygon(ellipse(40.0, 20.0, 17.3, 11.1, sides=23), flat("80ff30", 0.7))
write(canvas, "Sg&8", 3, 34, 21, flat("ffffff"))
view = (0.0, 0.0, 3.1, 0.96, -0.28, 1.0, -0.745, 0.113)
julia = fractals.picture(24, 14, view, (1.0, 1.0, 1.0, 3.6, 2.7, 1.5, 0.95, 0.4), 60)
print(hashlib.sha256(canvas.finish().tobytes() + julia.tobytes()).hexdigest())
"""


def test_drawing_without_a_compiler_gives_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = subprocess.run([sys.executable, "-c", INTERPRETED], capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    plain = subprocess.run([sys.executable, "-c", INTERPRETED], capture_output=True, text=True, check=True).stdout
    assert len(compiled.strip()) == 64
    assert plain == compiled


def test_noise_values_are_pinned() -> None:
    assert [noise.hashed(x, y, s) for x, y, s in ((0, 0, 0), (1, 2, 3), (-5, 7, 11))] == [
        3846972870,
        3650811255,
        1504973847,
    ]
    assert noise.gradient_noise(0.3, 0.7, 5).hex() == "0x1.ba0de1554c290p-3"
    assert noise.fractal_noise(-12.25, 3.5, 6, 42).hex() == "-0x1.c03a9d4edc90dp-4"
    assert noise.ridged_noise(2.75, -1.5, 5, 8).hex() == "0x1.0c1b0f12021f2p-1"
    near, second, owner = noise.cells(3.3, -4.8, 77)
    assert (near.hex(), second.hex(), owner) == ("0x1.1512d4e38a427p-1", "0x1.a3e3b7045fdcdp-1", 3401014544)
