"""Rules about the files of the repository rather than about what they compute."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "flowlab"

# Put together here, so that this file does not break the rule it keeps.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("pypi", "python", "org"),
        ("conda", "anaconda", "org"),
        ("repo", "anaconda", "com"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    ]
)
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:work|home|root|Users|opt)/\w")
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile"}
TARGETS = ("demo", "test", "lint", "docs", "bench", "examples", "clean")
SKIPPED = {".git", ".venv", ".cache", "_build", "_figures", "__pycache__", "node_modules", "demo",
           "out"}  # fmt: skip


def tracked_files() -> list[Path]:
    """Files git knows or would add; every file outside a checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
        paths = [ROOT / name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not SKIPPED & set(path.parts)]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def text_of(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8")


def lines_matching(found) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked_files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if found(line)
    ]


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def is_cli(path: Path) -> bool:
    return path.relative_to(PACKAGE).parts[0] == "cli"


def test_no_registry_hosts():
    assert lines_matching(lambda line: any(host in line for host in REGISTRY_HOSTS)) == []


def test_no_paths_of_one_machine():
    assert lines_matching(MACHINE_PATH.search) == []


@pytest.mark.parametrize("line", ["cd {}work/x", "'{}home/me'", "x={}root/a"])
def test_guard_sees_a_machine_path(line):
    assert MACHINE_PATH.search(line.format("/"))


@pytest.mark.parametrize("line", ["a/work/b", "~/opt/x", "https://x.y/home/z"])
def test_guard_lets_other_paths_pass(line):
    assert not MACHINE_PATH.search(line)


def forbidden_in(tree: ast.AST, *, may_print: bool) -> list[str]:
    """Ways to execute data, and prints."""
    found = []
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Import(names=names):
                tops = {alias.name.split(".")[0] for alias in names}
                found += [f"{line}: import {top}" for top in tops & FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                found.append(f"{line}: import {module}")
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(f"{line}: {name}()")
            case ast.Call(func=ast.Name(id="print")) if not may_print:
                found.append(f"{line}: print()")
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                found.append(f"{line}: allow_pickle=True")
    return found


def test_nothing_read_is_executed_and_nothing_is_printed():
    found = [
        f"{path.relative_to(ROOT)}:{offence}"
        for path in sources()
        for offence in forbidden_in(ast.parse(path.read_text()), may_print=is_cli(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    "code", ["import pickle", "from pickle import load", "eval('1')", "exec('1')", "print(1)"]
)
def test_guard_sees_forbidden_code(code):
    assert forbidden_in(ast.parse(code), may_print=False)


def test_importing_leaves_the_jax_configuration_alone():
    setting = re.compile(r"^(jax\.)?config\.update", re.MULTILINE)
    touching = [
        str(path.relative_to(ROOT))
        for path in sources()
        if not is_cli(path) and setting.search(path.read_text())
    ]
    assert touching == []


def test_makefile_has_its_targets():
    text = (ROOT / "Makefile").read_text()
    missing = [name for name in TARGETS if not re.search(rf"^{name}\b[^=\n]*:", text, re.M)]
    assert missing == []


def test_ci_script_is_executable():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text()


def test_citation_is_readable_and_agrees_with_the_version():
    """A small subset of YAML: keys, scalars, lists by dashes, no tabs."""
    text = (ROOT / "CITATION.cff").read_text()
    assert "\t" not in text
    line_shape = re.compile(r'^ *(- )?([a-z-]+:( ("[^"]*"|[^"]+))?|[^":]+)$')
    odd = [line for line in text.splitlines() if line and not line_shape.match(line)]
    assert odd == []
    fields = dict(re.findall(r'^([a-z-]+): "?(.+?)"?$', text, re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert fields["version"] == project["version"]
    assert fields["license"] == project["license"]
    assert "Tian" in text


def test_dependencies_have_lower_bounds_only():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    for requirement in [*project["dependencies"], *(one for extra in extras for one in extra)]:
        assert not re.search(r"<|==|~=", requirement), requirement
        assert ">=" in requirement or requirement.startswith("flowlab["), requirement


def test_changelog_has_the_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_room_has_a_page():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    rooms |= {path.stem for path in PACKAGE.glob("[!_]*.py")}
    pages = {path.stem for path in (ROOT / "docs" / "api").glob("*.md")}
    pages |= {"cli"} if (ROOT / "docs" / "cli.md").is_file() else set()
    assert {room for room in rooms if not room.startswith("_")} - pages == set()


def test_no_notebook_carries_outputs():
    notebooks = [path for path in tracked_files() if path.suffix == ".ipynb"]
    assert [str(path) for path in notebooks if '"output_type"' in text_of(path)] == []
