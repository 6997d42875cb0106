"""From a matplotlib figure to inline SVG: unique ids, the page's colours and font, title and description."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree as ET

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, LINE, ACCENT, PAPER = "#010101", "#020202", "#030303", "#040404", "#050505"
BANDS = {f"b{index}": f"#06060{index}" for index in range(5)}
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    PAPER: "var(--paper)",
    **{colour: f"var(--{band})" for band, colour in BANDS.items()},
}
"""Placeholder colours for those of the page's style sheet, which has light and dark modes."""

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a team's name may contain dollar signs
    "axes.formatter.use_locale": False,
    "axes.unicode_minus": True,
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Fixed settings, so that figures do not depend on the user's matplotlib settings."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser provides the glyph
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", {**_SETTINGS, "svg.hashsalt": name}))  # the stubs require literal keys
        yield


def to_svg(figure: Figure, name: str, *, title: str, words: str) -> Markup:
    """The figure as an inline SVG; screen readers read `title` and `words`, ids start with `name`."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ET.fromstring(out.getvalue())  # noqa: S314 - our own drawing
    _strip_namespaces(root)
    for defs in root.findall("defs"):
        root.remove(defs)  # its styles would apply to the whole page
    _own_ids(root, name)
    for element in root.iter():
        if "style" in element.attrib:
            element.set("style", _own_style(element.attrib["style"]))
    width, height = (root.attrib.pop(side).removesuffix("pt") for side in ("width", "height"))
    root.attrib.pop("version", None)
    root.set("class", "figure")
    root.set("viewBox", f"0 0 {width} {height}")
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-words")
    for place, (tag, text) in enumerate((("title", title), ("desc", words))):
        element = ET.Element(tag, {"id": f"{name}-{'title' if tag == 'title' else 'words'}"})
        element.text = text
        root.insert(place, element)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - the serialiser escapes all text


def _strip_namespaces(root: ET.Element) -> None:
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
        for key in [key for key in element.attrib if key.startswith("{")]:
            element.set(_NAMESPACE.sub("", key), element.attrib.pop(key))


def _own_ids(root: ET.Element, name: str) -> None:
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.attrib['id']}")
        if element.tag == "use":
            element.set("href", f"#{name}-{element.attrib['href'].removeprefix('#')}")
        if "clip-path" in element.attrib:
            element.set("clip-path", element.attrib["clip-path"].replace("url(#", f"url(#{name}-"))


def _own_style(style: str) -> str:
    for colour, variable in _VARIABLES.items():
        style = style.replace(colour, variable)
    return re.sub(r"font-family:[^;]*;?\s*", "", style)
