"""Text with backticks as HTML."""

from __future__ import annotations

from markupsafe import Markup

from rtsr_bench.text import replaced


def with_code(text: str) -> Markup:
    """The text, escaped, with what is between two backticks as code; unchanged if a backtick is left over."""
    *pairs, last = replaced(text).split("`")
    if len(pairs) % 2:
        return Markup.escape(replaced(text))
    code = Markup("<code>{}</code>")
    found = [code.format(part) if place % 2 else Markup.escape(part) for place, part in enumerate(pairs)]
    return Markup("").join((*found, Markup.escape(last)))
