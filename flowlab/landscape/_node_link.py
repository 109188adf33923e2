"""Landscape graphs as node-link JSON, which d3, Cytoscape.js and networkx read."""

import json
import math
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from .._files import write_atomically

LINKS = "links"
"""The name under which the edges stand: d3's and networkx's old one, so that all of them agree."""


def to_node_link_json(graph: nx.Graph, path: str | Path) -> None:
    """Write a graph as node-link JSON.

    The form is that of `networkx.node_link_data(graph, edges="links")`: `directed`, `multigraph`,
    `graph` (attributes), `nodes` (each with `id`) and `links` (each with `source`, `target` and, in
    a multigraph, `key`). Attributes are text, truth values and finite numbers; the file holds
    nothing else, and numbers are read back exactly.

    Args:
        graph: a graph from `connect`, `quotient` or `unfold`, or a tree from `disconnectivity`.
        path: file to write; replaced atomically.

    Raises:
        ValueError: if an attribute is not one of these, naming it.
        OSError: if the file cannot be written.

    Example:
        >>> import tempfile, pathlib, networkx as nx, flowlab as fl
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "landscape.json"
        >>> fl.to_node_link_json(nx.MultiDiGraph([("p2", "p1")]), path)
        >>> list(fl.from_node_link_json(path).edges)
        [('p2', 'p1', 0)]
    """
    document = nx.node_link_data(graph, edges=LINKS)
    plain = {
        "directed": bool(document["directed"]),
        "multigraph": bool(document["multigraph"]),
        "graph": _plain(document["graph"], "the graph"),
        "nodes": [_plain(node, f"node {node['id']!r}") for node in document["nodes"]],
        LINKS: [
            _plain(link, f"the edge {link['source']!r} -> {link['target']!r}")
            for link in document[LINKS]
        ],
    }
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1)
    write_atomically(Path(path), text + "\n")


def from_node_link_json(path: str | Path) -> nx.Graph:
    """Read a graph that `to_node_link_json` wrote. The file is data: nothing in it is executed.

    Args:
        path: the file.

    Returns:
        A graph of the kind that was written: a `networkx.MultiDiGraph` for landscapes.

    Raises:
        ValueError: if the file is damaged or is no such graph, saying where.
        OSError: if it cannot be opened.

    Example:
        >>> import tempfile, pathlib, networkx as nx, flowlab as fl
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "landscape.json"
        >>> _ = path.write_text('{"nodes": []')
        >>> fl.from_node_link_json(path)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: ... is damaged or truncated: it stops being JSON at line 1, column 13 ...
    """
    try:
        document = _parsed(Path(path).read_bytes())
        _require_graph(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} {error}") from error
    return nx.node_link_graph(document, edges=LINKS)


def _plain(data: dict[str, Any], where: str) -> dict[str, Any]:
    return {str(name): _scalar(value, f"{where}: {name}") for name, value in data.items()}


def _scalar(value: Any, where: str) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError(f"{where} is {value!r}; needed: text, true, false or a finite number.")


def _parsed(data: bytes) -> Any:
    if not data.strip():
        raise ValueError("is empty: it was truncated, or never written.")
    try:
        return json.loads(data.decode(), parse_constant=_not_finite, parse_float=_not_finite)
    except UnicodeDecodeError as error:
        raise ValueError("is damaged: it is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is damaged or truncated: it stops being JSON at line {error.lineno}, column "
            f"{error.colno} ({error.msg})."
        ) from error


def _not_finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise ValueError(f"is damaged: it holds {literal}, and every number must be finite.")
    return value


def _require_graph(document: Any) -> None:
    """Raise unless a document is a node-link graph with scalar attributes."""
    kinds = {"directed": bool, "multigraph": bool, "graph": dict, "nodes": list, LINKS: list}
    if not isinstance(document, dict):
        raise ValueError("is JSON but not a node-link graph.")
    for name, kind in kinds.items():
        if not isinstance(document.get(name), kind):
            raise ValueError(f"is JSON but not a node-link graph: it has no proper {name!r}.")
    _require_scalars(document["graph"], "graph", ())
    known: set[Any] = set()
    for number, node in enumerate(document["nodes"]):
        _require_scalars(node, f"nodes[{number}]", ("id",))
        if node["id"] in known:
            raise ValueError(f"is damaged: nodes[{number}] has the id {node['id']!r} of another.")
        known.add(node["id"])
    needed = ("source", "target", *(["key"] if document["multigraph"] else []))
    edges: set[tuple[Any, ...]] = set()
    for number, link in enumerate(document[LINKS]):
        _require_scalars(link, f"{LINKS}[{number}]", needed)
        for end in ("source", "target"):
            if link[end] not in known:
                raise ValueError(f"is damaged: {LINKS}[{number}]: no node {link[end]!r}.")
        edge = tuple(link[name] for name in needed)
        if edge in edges:
            raise ValueError(f"is damaged: {LINKS}[{number}] occurs twice.")
        edges.add(edge)


def _require_scalars(data: Any, where: str, needed: tuple[str, ...]) -> None:
    if not isinstance(data, dict):
        raise ValueError(f"is damaged: {where} is no dictionary.")
    for name in needed:
        if name not in data:
            raise ValueError(f"is damaged: {where} has no {name!r}.")
    for name, value in data.items():
        if not isinstance(value, str | bool | int | float):
            raise ValueError(f"is damaged: {where}.{name} is no text, truth value or number.")
