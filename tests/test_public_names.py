"""Every public name explains itself, and the examples in the explanations run."""

import doctest
import enum
import importlib
import inspect
import itertools
import pkgutil
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flowlab

FRONT_ROOMS = ("flowlab", "flowlab.plot", "flowlab.paper.figures", "flowlab.fields.zoo")
# Modules of these may be absent when the extra that brings them is not installed.
EXTRAS = {"flint", "dask", "distributed", "pyarrow", "zarr"}


def module_names() -> list[str]:
    found = pkgutil.walk_packages(flowlab.__path__, "flowlab.")
    return ["flowlab", *(info.name for info in found if not info.name.endswith("__main__"))]


def exists(module: str) -> bool:
    return module == "flowlab" or module in module_names()


def import_or_skip(name: str):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in EXTRAS:
            pytest.skip(f"{error.name} is not installed")
        raise


def public_objects() -> dict[str, object]:
    """Functions and classes of the front rooms, by the name people type."""
    found = {}
    for room in filter(exists, FRONT_ROOMS):
        module = import_or_skip(room)
        # Asking for each by name: a lazy package holds nothing before.
        for name in dir(module):
            value = getattr(module, name)
            is_object = inspect.isclass(value) or callable(value)
            ours = (getattr(value, "__module__", None) or "").startswith("flowlab")
            if not name.startswith("_") and is_object and ours and not inspect.ismodule(value):
                found[f"{room}.{name}"] = value
    return found


PUBLIC = public_objects()


def has_section(doc: str, *titles: str) -> bool:
    return re.search(rf"^\s*(?:{'|'.join(titles)}):", doc, re.MULTILINE) is not None


def takes_arguments(value) -> bool:
    if inspect.isclass(value) and (issubclass(value, enum.Enum) or inspect.isabstract(value)):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def missing_parts(value) -> list[str]:
    """The parts of a docstring that a reader would look for in vain."""
    doc = inspect.getdoc(value) or ""
    own = value.__dict__.get("__doc__") if inspect.isclass(value) else doc
    missing = [] if own else ["a docstring"]
    if takes_arguments(value) and not has_section(doc, "Args", "Attributes"):
        missing.append("Args")
    if not inspect.isclass(value):
        returned = inspect.get_annotations(value).get("return", inspect.Signature.empty)
        if returned not in (None, "None") and not has_section(doc, "Returns", "Yields"):
            missing.append("Returns")
    # A base class for others to derive from has nothing to run.
    if not inspect.isabstract(value) and not has_section(doc, "Example", "Examples"):
        missing.append("Example")
    elif has_section(doc, "Example", "Examples") and ">>>" not in doc:
        missing.append("a >>> block under Example")
    return missing


def public_methods(cls: type) -> dict[str, object]:
    """Public methods and properties that the class itself or a base of ours defines."""
    found = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("flowlab"):
            continue
        for name, value in vars(base).items():
            plain = inspect.unwrap(getattr(value, "__func__", getattr(value, "func", value)))
            if not name.startswith("_") and (
                inspect.isroutine(plain) or isinstance(value, property)
            ):
                found.setdefault(name, value)
    return found


def test_there_are_public_names():
    assert len(PUBLIC) > 10


def test_every_public_name_has_the_parts_of_a_docstring():
    wanting = {name: missing_parts(value) for name, value in PUBLIC.items()}
    assert {name: parts for name, parts in wanting.items() if parts} == {}


def test_every_public_method_has_a_docstring():
    """A method may inherit the docstring of the base that declares it."""
    silent = [
        f"{name}.{method}"
        for name, cls in PUBLIC.items()
        if inspect.isclass(cls)
        for method in public_methods(cls)
        if not inspect.getdoc(inspect.getattr_static(cls, method)) and not inherited(cls, method)
    ]
    assert silent == []


def inherited(cls: type, method: str) -> str | None:
    docs = (inspect.getdoc(vars(base)[method]) for base in cls.__mro__ if method in vars(base))
    return next((doc for doc in docs if doc), None)


def test_public_functions_are_annotated():
    bare = [
        name
        for name, value in PUBLIC.items()
        if not inspect.isclass(value) and "return" not in inspect.get_annotations(value)
    ]
    assert bare == []


def examples_of(name: str) -> list[doctest.DocTest]:
    module = import_or_skip(name)
    hands = {"jax": jax, "jnp": jnp, "np": np, "fl": flowlab}
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(module, extraglobs=hands) if test.examples]


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name):
    tests = examples_of(name)
    if not tests:
        pytest.skip("no examples in this module")
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False
    )
    report: list[str] = []
    for test in tests:
        runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_every_public_name_is_on_a_page_of_the_reference():
    """The pages show a name in the innermost room that exports it, so one of them has that room."""
    pages = Path(__file__).resolve().parents[1] / "docs" / "api"
    shown = re.findall(
        r"automodule:: (\S+)", "".join(page.read_text("utf-8") for page in pages.glob("*.md"))
    )
    hidden = set()
    for name, value in PUBLIC.items():
        home = value.__module__.split(".")
        room = ".".join(itertools.takewhile(lambda part: not part.startswith("_"), home))
        if room not in ("flowlab", *shown):
            hidden.add(f"{name} of {room}")
    assert hidden == set()
