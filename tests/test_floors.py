"""The house of docs/design.md: a room imports only from lower floors. Sources are read, not run."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "flowlab"

FLOORS = {
    "ground": 0,
    "symmetry": 1,
    "fields": 2,
    "critical": 3,
    "catalog": 4,
    "flow": 5,
    "search": 6,
    "basins": 6,
    "certify": 6,
    "landscape": 7,
    "plot": 8,
    "scale": 8,
    "paper": 9,
    "public": 9.5,  # flowlab/__init__.py: may import everything but the command line
    "cli": 10,
    "__main__": 11,
}
# The files of floor 0 are too small to be rooms of their own.
GROUND = {"_types", "_outcome", "_checks", "_kernel", "_files", "_names", "_store", "_version"}
UPSTAIRS_ONLY = {"matplotlib", "networkx", "dask", "distributed", "flint"}
INSIDE_FUNCTIONS = {"xarray", "pandas", "pyarrow", "sympy", "jsonschema", "zarr"}


@dataclass(frozen=True)
class Import:
    """One imported module, as an absolute dotted name."""

    target: str
    line: int
    deferred: bool  # inside a function
    typing_only: bool  # under `if TYPE_CHECKING`


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    imports: tuple[Import, ...]

    @property
    def room(self) -> str:
        return room_of(self.name)


def room_of(name: str) -> str:
    parts = name.split(".")
    if len(parts) == 1:
        return "public"
    return "ground" if parts[1] in GROUND else parts[1]


def is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", None)) == "TYPE_CHECKING"


def walk(node: ast.AST, deferred=False, typing_only=False) -> Iterator[tuple[ast.AST, bool, bool]]:
    """Every node below; whether it sits in a function; whether only type checkers see it."""
    for child in ast.iter_child_nodes(node):
        yield child, deferred, typing_only
        in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.If) and is_type_checking(child.test):
            for inner in child.body:
                yield inner, deferred, True
                yield from walk(inner, deferred, True)
            for inner in child.orelse:
                yield inner, deferred, typing_only
                yield from walk(inner, deferred, typing_only)
        else:
            yield from walk(child, deferred or in_function, typing_only)


def resolve_from(node: ast.ImportFrom, name: str, is_package: bool, known: set[str]) -> list[str]:
    """The modules that `from x import y` reaches: x.y where that is a module, otherwise x."""
    if node.level:
        parts = name.split(".")
        keep = len(parts) - node.level + (1 if is_package else 0)
        base = ".".join(parts[:keep] + ([node.module] if node.module else []))
    else:
        base = node.module or ""
    submodules = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in known else base for name in submodules]


def targets(node: ast.AST, name: str, is_package: bool, known: set[str]) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom():
            return resolve_from(node, name, is_package, known)
        case ast.Call(func=func, args=[ast.Constant(value=str(target)), *_]):
            called = getattr(func, "attr", getattr(func, "id", None))
            return [target] if called in ("import_module", "__import__") else []
    return []


def read_house(source: Path) -> list[Module]:
    """Parse every file of the package whose folder is `source`."""
    names = {}
    for path in sorted(source.rglob("*.py")):
        parts = [source.name, *path.relative_to(source).with_suffix("").parts]
        names[path] = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    known = set(names.values())
    house = []
    for path, name in names.items():
        tree = ast.parse(path.read_text(), filename=str(path))
        imports = dict.fromkeys(
            Import(target, getattr(node, "lineno", 0), deferred, typing_only)
            for node, deferred, typing_only in walk(tree)
            for target in targets(node, name, path.name == "__init__.py", known)
        )
        house.append(Module(name, path, tuple(imports)))
    return house


def broken_floors(house: list[Module]) -> list[str]:
    """Imports from a neighbour or from above, wherever in the file they stand."""
    package = house[0].name.split(".")[0]
    broken = []
    for module in house:
        if module.room not in FLOORS:
            broken.append(f"{module.name}: '{module.room}' has no floor in this test's table")
            continue
        for found in module.imports:
            if found.target.split(".")[0] != package:
                continue
            room = room_of(found.target)
            if room == module.room:
                continue
            if FLOORS.get(room, float("inf")) >= FLOORS[module.room]:
                broken.append(f"{module.name}:{found.line} must not import {found.target}")
    return broken


def broken_weights(house: list[Module]) -> list[str]:
    """Heavy packages where a light room must not have them."""
    broken = []
    for module in house:
        if FLOORS.get(module.room, 0) > 5:
            continue
        for found in module.imports:
            top = found.target.split(".")[0]
            at_import = not (found.deferred or found.typing_only)
            if top in UPSTAIRS_ONLY:
                broken.append(f"{module.name}:{found.line} must not import {top} at all")
            elif top in INSIDE_FUNCTIONS and at_import:
                broken.append(f"{module.name}:{found.line} must import {top} inside a function")
    return broken


def broken_circles(house: list[Module]) -> list[str]:
    """Circles among the module-level imports of one room."""
    known = {module.name for module in house}
    graph = {}
    for module in house:
        graph[module.name] = {
            found.target
            for found in module.imports
            if found.target in known - {module.name}
            and room_of(found.target) == module.room
            and not (found.deferred or found.typing_only)
        }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return ["circle: " + " <- ".join(error.args[1])]
    return []


def broken_walls(source: Path) -> list[str]:
    house = read_house(source)
    assert house, f"no sources under {source}"
    return broken_floors(house) + broken_weights(house) + broken_circles(house)


def test_every_room_imports_only_from_lower_floors():
    assert broken_walls(SOURCE) == []


# ---- the guard itself: it must bark at each kind of broken wall, and at nothing else ----

SOUND = {
    "__init__.py": "from .symmetry import Group as Group\nfrom . import plot as plot\n",
    "_outcome.py": "import enum\n",
    "_checks.py": "from ._outcome import Outcome\n",
    "symmetry/__init__.py": "from ._group import Group as Group\n",
    "symmetry/_group.py": "from .._outcome import Outcome\n",
    "fields/__init__.py": "from . import zoo as zoo\nfrom ._base import Field as Field\n",
    "fields/_base.py": "from flowlab.symmetry import Group\n",
    "fields/zoo/__init__.py": "from .._base import Field\n",
    "catalog/_frame.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
        "def frame():\n    import pandas as pd\n"
    ),
    "landscape/_graph.py": "import networkx\nfrom ..fields._base import Field\n",
    "plot/__init__.py": "import matplotlib.pyplot as plt\n",
    "cli/__init__.py": "from ._map import map_landscape\n",
    "cli/_map.py": "import flowlab as fl\ndef map_landscape():\n    from .. import plot\n",
    "__main__.py": "from .cli import main\n",
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / "flowlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "flowlab"


def test_guard_accepts_a_sound_house(tmp_path):
    assert broken_walls(build(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    "name, text, complaint",
    [
        ("symmetry/_a.py", "from flowlab.fields import Field", "must not import flowlab.fields"),
        ("symmetry/_a.py", "from ..fields import Field", "must not import flowlab.fields"),
        ("symmetry/_a.py", "from .. import fields", "must not import flowlab.fields"),
        ("symmetry/_a.py", "import flowlab.fields._base as base", "must not import flowlab.fields"),
        (
            "symmetry/_a.py",
            "def f():\n    from ..fields import x",
            "must not import flowlab.fields",
        ),
        ("symmetry/_a.py", "class A:\n  def f(self):\n    import flowlab.plot", "flowlab.plot"),
        ("symmetry/_a.py", "import flowlab", "must not import flowlab"),
        ("symmetry/_a.py", "from flowlab import Group", "must not import flowlab"),
        ("symmetry/_a.py", "import importlib\nimportlib.import_module('flowlab.flow')", "flow"),
        ("symmetry/_a.py", "from flowlab import attic", "must not import flowlab"),
        ("search/_a.py", "from ..basins import label", "must not import flowlab.basins"),
        ("fields/zoo/_a.py", "from ...critical import refine", "must not import flowlab.critical"),
        ("_types.py", "from .symmetry import Group", "must not import flowlab.symmetry"),
        ("__init__.py", "from .cli import main", "must not import flowlab.cli"),
        ("landscape/_a.py", "def f():\n    from ..cli import app", "must not import flowlab.cli"),
        ("attic/_a.py", "", "'attic' has no floor"),
        ("flow/_a.py", "import matplotlib.pyplot", "must not import matplotlib at all"),
        ("flow/_a.py", "def f():\n    import networkx", "must not import networkx at all"),
        ("flow/_a.py", "def f():\n    from dask import delayed", "must not import dask at all"),
        ("critical/_a.py", "try:\n    import flint\nexcept ImportError:\n    pass", "flint at all"),
        ("catalog/_a.py", "import xarray as xr", "must import xarray inside a function"),
        ("catalog/_a.py", "class A:\n    import pandas", "must import pandas inside a function"),
        ("symmetry/_a.py", "from sympy.combinatorics import X", "must import sympy inside"),
    ],
)
def test_guard_barks_at_a_broken_wall(tmp_path, name, text, complaint):
    found = broken_walls(build(tmp_path, SOUND | {name: text}))
    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    "files",
    [
        {"flow/_a.py": "from ._b import g", "flow/_b.py": "from flowlab.flow._a import f"},
        {"flow/_a.py": "from . import _b", "flow/_b.py": "from . import _a"},
        {"fields/zoo/__init__.py": "from .. import Field"},
        {"flow/__init__.py": "from ._a import f", "flow/_a.py": "from flowlab.flow import g"},
    ],
)
def test_guard_barks_at_a_circle(tmp_path, files):
    found = broken_walls(build(tmp_path, SOUND | files))
    assert len(found) == 1
    assert found[0].startswith("circle")


def test_guard_allows_a_circle_closed_inside_a_function(tmp_path):
    files = {"flow/_a.py": "from ._b import g", "flow/_b.py": "def g():\n    from ._a import f"}
    assert broken_walls(build(tmp_path, SOUND | files)) == []


def test_following_trajectories_waits_for_no_part_of_scipy():
    parts = "[m for m in sys.modules if m in ('scipy.linalg', 'scipy.optimize', 'scipy.sparse')]"
    code = f"import sys, flowlab; flowlab.settle, flowlab.theorem7_plane; print({parts})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n", "use scipy's parts by their full names: `scipy.linalg.sqrtm`"
