"""Render mathematics as MathML while the pages are built, so that readers load no script.

latex2mathml passes over commands it does not know; here that is a warning, hence an error of a
strict build. Browsers implement MathML Core, which has no ``mathvariant``, so styled letters are
replaced by their own Unicode characters.
"""

from __future__ import annotations

import html
import re
import unicodedata

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

_STYLES = {
    "bold": "BOLD",
    "bold-italic": "BOLD ITALIC",
    "double-struck": "DOUBLE-STRUCK",
    "fraktur": "FRAKTUR",
    "script": "SCRIPT",
    "sans-serif": "SANS-SERIF",
    "monospace": "MONOSPACE",
}
_STYLED = re.compile(r'<(mi|mn) mathvariant="([a-z-]+)">([^<]+)</\1>')
_NEEDS_ALIGNMENT = re.compile(r"\\\\|(?<!\\)&")


def styled_letter(char: str, style: str) -> str:
    """The mathematical-alphanumeric form of one character, or the character if it has none."""
    name = unicodedata.name(char, "").replace("LATIN ", "").replace("GREEK ", "")
    name = name.replace("LETTER ", "")
    for candidate in (f"MATHEMATICAL {style} {name}", f"{style} {name}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return char


def _restyle(match: re.Match[str]) -> str:
    tag, variant, text = match.groups()
    if variant not in _STYLES:
        return match.group(0)
    styled = "".join(styled_letter(char, _STYLES[variant]) for char in html.unescape(text))
    # A single letter would be slanted again without this.
    return f'<{tag} mathvariant="normal">{styled}</{tag}>'


def to_mathml(latex: str, *, display: bool, location: nodes.Node | None = None) -> str:
    """MathML source for a piece of LaTeX, warning about everything that did not translate."""
    latex = latex.strip()
    if display and _NEEDS_ALIGNMENT.search(latex) and r"\begin" not in latex:
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    try:
        result = convert(latex, display="block" if display else "inline")
    except Exception as error:
        logger.warning("mathematics not understood: %s (%r)", latex, error, location=location)
        return f"<code>{html.escape(latex)}</code>"
    if "\\" in result:
        logger.warning("mathematics with an unknown command: %s", latex, location=location)
    return _STYLED.sub(_restyle, result)


def visit_inline(self, node: nodes.math) -> None:
    self.body.append(to_mathml(node.astext(), display=False, location=node))
    raise nodes.SkipNode


def visit_display(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math math-display"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append(to_mathml(node.astext(), display=True, location=node))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
