"""Document every public name under the room that exports it, not the private module it lives in.

``flowlab.fields.TeacherStudent`` is what people write; ``flowlab.fields._teacher_student`` is where
the class happens to be. References may use either form, the top-level one, or the bare name.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

PACKAGE = "flowlab"
STARRED_SHAPE = re.compile(r"(?<=[\s(\[,])\*(?=[A-Za-z_.]+[,)\]])")


def rooms() -> list[ModuleType]:
    """The public modules of the package, innermost first."""
    package = importlib.import_module(PACKAGE)
    names = [
        info.name
        for info in pkgutil.walk_packages(package.__path__, f"{PACKAGE}.")
        if not any(part.startswith("_") for part in info.name.split("."))
    ]
    names.sort(key=lambda name: -name.count("."))
    return [importlib.import_module(name) for name in [*names, PACKAGE]]


def claim_public_names(app: Sphinx) -> None:
    """Tell each public object that it belongs to the innermost room exporting it."""
    del app
    for room in rooms():
        for name, value in list(vars(room).items()):
            home = getattr(value, "__module__", None) or ""
            is_ours = home.startswith(f"{room.__name__}._")
            if name.startswith("_") or inspect.ismodule(value) or not is_ours:
                continue
            if inspect.isclass(value):
                value.__module__ = room.__name__
            elif callable(value):
                # Jitted functions are frozen objects that refuse an ordinary assignment.
                object.__setattr__(value, "__module__", room.__name__)


def protect_shapes(app, what, name, obj, options, lines: list[str]) -> None:
    """Keep the star of a shape such as (n, *shape) from opening an emphasis."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            pieces = line.split("`")
            pieces[::2] = [STARRED_SHAPE.sub(r"\\*", piece) for piece in pieces[::2]]
            lines[number] = "`".join(pieces)


def resolve_by_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """Resolve a Python reference by its last components when its full path is not documented."""
    if node.get("refdomain") != "py" or app.builder is None:
        return None
    domain = env.domains["py"]
    parts = node["reftarget"].lstrip(".").split(".")
    for keep in (2, 1):
        tail = "." + ".".join(parts[-keep:])
        hits = [name for name in domain.data["objects"] if f".{name}".endswith(tail)]
        if len(hits) == 1:
            entry = domain.data["objects"][hits[0]]
            return make_refnode(
                app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, hits[0]
            )
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", claim_public_names)
    app.connect("autodoc-process-docstring", protect_shapes)
    app.connect("missing-reference", resolve_by_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
