"""The one coloured graph that answers every question about a point and its relabelings.

A point is a table: rows (students), columns (teachers), a colour for each row, column, entry,
pair of rows and pair of columns. A relabeling that keeps all colours is an automorphism of the
graph with one vertex for each row, column, entry and pair, an entry or pair being joined to its
two ends. nauty's port `canonaut` finds the automorphisms and a canonical numbering of that graph.
(McKay and Piperno, Practical graph isomorphism II, J. Symb. Comput. 60, 2014.)
"""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Colours (non-negative integers) of rows, columns, entries and pairs.

    Args:
        rows: (K,) colours of the rows.
        columns: (m,) colours of the columns.
        entries: (K, m) colours of the entries.
        row_pairs: Symmetric (K, K) colours, or None when they carry no information.
        column_pairs: Symmetric (m, m) colours, or None.
    """

    rows: np.ndarray
    columns: np.ndarray
    entries: np.ndarray
    row_pairs: np.ndarray | None = None
    column_pairs: np.ndarray | None = None

    def fixing_rows(self, which: slice | int = slice(None)) -> "Table":
        """The same table with the given rows each a colour of its own."""
        return dataclasses.replace(self, rows=_singled_out(self.rows, which))

    def fixing_columns(self, which: slice | int = slice(None)) -> "Table":
        """The same table with the given columns each a colour of its own."""
        return dataclasses.replace(self, columns=_singled_out(self.columns, which))

    def histogram(self) -> tuple[bytes, ...]:
        """How often each colour occurs: tables with different histograms are not isomorphic."""
        parts = (self.rows, self.columns, self.entries, self.row_pairs)
        return tuple(np.bincount(p.ravel()).tobytes() for p in parts if p is not None)


def _singled_out(colours: np.ndarray, which: slice | int) -> np.ndarray:
    fresh = colours.copy()
    chosen = np.atleast_1d(np.arange(len(colours))[which])
    fresh[chosen] = colours.max(initial=0) + 1 + np.arange(len(chosen))
    return fresh


@dataclasses.dataclass(frozen=True, eq=False)
class CanonicalForm:
    """What nauty says about a table.

    Args:
        rows: (K,) canonical number of each row (increasing with the row's colour).
        columns: (m,) canonical number of each column.
        key: Equal for two tables with jointly made colours exactly when they are isomorphic.
        generators: Pairs (row permutation, column permutation) generating the automorphisms.
        row_orbits: (K,) labels: rows of one orbit have one label.
        column_orbits: (m,) labels of the orbits of the columns.
        mantissa: The group order is mantissa * 10**exponent; exact when the exponent is 0.
        exponent: See `mantissa`.
    """

    rows: np.ndarray
    columns: np.ndarray
    key: tuple
    generators: list[tuple[tuple[int, ...], tuple[int, ...]]]
    row_orbits: np.ndarray
    column_orbits: np.ndarray
    mantissa: float
    exponent: int

    def has_order(self, order: int) -> bool:
        """Whether the order is `order`, given that it divides `order`."""
        return abs(math.log10(self.mantissa) + self.exponent - math.log10(order)) < 0.1


def canonical_form(table: Table, *, generators: bool = False) -> CanonicalForm:
    """Canonical numbering, automorphisms and orbits of a coloured table.

    Args:
        table: The colours.
        generators: Also return generators of the automorphism group.

    Returns:
        The canonical form, in terms of rows and columns.
    """
    from canonaut import raw  # pyright: ignore[reportAttributeAccessIssue]  # compiled, no stubs

    colours, edges = _vertices_and_edges(table)
    # Cells may follow the order in which colours first appear: number vertices by colour.
    order = np.argsort(colours, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    pairs = list(zip(place[edges[0]].tolist(), place[edges[1]].tolist(), strict=True))
    result = raw.canonize(
        len(colours), pairs, generators=generators, colors=colours[order].tolist()
    )
    n_rows, n_columns = table.entries.shape
    ends = place[: n_rows + n_columns]
    # labeling[i] is the vertex at canonical place i, as in nauty; its inverse numbers the vertices.
    labels = np.argsort(np.asarray(result.labeling, dtype=np.int64))[ends]
    orbits = np.asarray(result.orbits, dtype=np.int64)[ends]
    return CanonicalForm(
        rows=labels[:n_rows],
        columns=labels[n_rows:],
        key=(result.canonical_bytes(), np.sort(colours).tobytes()),
        generators=[_row_and_column_parts(g, ends, order, n_rows) for g in result.generators],
        row_orbits=orbits[:n_rows],
        column_orbits=orbits[n_rows:],
        mantissa=result.group_size1,
        exponent=result.group_size2,
    )


def automorphism_order(table: Table, form: CanonicalForm | None = None) -> int:
    r"""The exact order of the automorphism group, however large.

    nauty counts in floating point. Two exact facts replace its digits: the group of order
    :math:`|A|` maps to :math:`\prod_i \mathrm{Sym}(p_i)`, the permutations of the row orbits,
    with a kernel that fixes all rows, so :math:`|A|` divides :math:`|\ker| \prod_i p_i!` and is
    equal to it when it is more than half of it; and :math:`|A|` is the size of an orbit times the
    order of a stabiliser, which is the slower way that always works.

    Args:
        table: The colours.
        form: Its canonical form, if already known.

    Returns:
        The order.
    """
    form = canonical_form(table) if form is None else form
    if form.exponent == 0:
        return round(form.mantissa)
    row_sizes, column_sizes = orbit_sizes(form.row_orbits), orbit_sizes(form.column_orbits)
    full = factorials(row_sizes) * factorials(column_sizes)
    if form.has_order(full):
        return full
    for fixed, sizes in (
        (table.fixing_rows(), row_sizes),
        (table.fixing_columns(), column_sizes),
    ):
        if max(sizes, default=1) > 1:
            bound = automorphism_order(fixed) * factorials(sizes)
            if form.has_order(bound):
                return bound
    in_rows = max(row_sizes, default=0) >= max(column_sizes, default=0)
    orbits = form.row_orbits if in_rows else form.column_orbits
    _, first, sizes = np.unique(orbits, return_index=True, return_counts=True)
    member = int(first[np.argmax(sizes)])
    fixed = table.fixing_rows(member) if in_rows else table.fixing_columns(member)
    return int(sizes.max()) * automorphism_order(fixed)


def orbit_sizes(labels: np.ndarray) -> tuple[int, ...]:
    """The sizes of the orbits, descending."""
    return tuple(sorted(np.unique(labels, return_counts=True)[1].tolist(), reverse=True))


def factorials(sizes: tuple[int, ...]) -> int:
    """The product of the factorials of `sizes`."""
    return math.prod(math.factorial(s) for s in sizes)


def _vertices_and_edges(table: Table) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Colours of all vertices (rows, columns, then links) and the ends of all edges."""
    n_rows, n_columns = table.entries.shape
    nodes = np.arange(n_rows + n_columns)
    kinds = [(nodes[:n_rows], nodes[n_rows:], table.entries)]
    if table.row_pairs is not None:
        kinds.append((nodes[:n_rows], nodes[:n_rows], table.row_pairs))
    if table.column_pairs is not None:
        kinds.append((nodes[n_rows:], nodes[n_rows:], table.column_pairs))
    first_link_colour = table.rows.max(initial=0) + 1
    colours = [table.rows, table.columns + first_link_colour]
    first_link_colour += table.columns.max(initial=0) + 1
    links, count = [], len(nodes)
    for number, (left, right, classes) in enumerate(kinds):
        i, j = np.indices(classes.shape).reshape(2, -1)
        ids = classes.ravel()
        if number > 0:
            i, j, ids = i[i < j], j[i < j], ids[i < j]
        if ids.size == 0:
            continue
        # Absence is a colour: the commonest class (the smallest of equals) needs no vertices.
        kept = ids != np.argmax(np.bincount(ids))
        i, j, ids = i[kept], j[kept], ids[kept]
        vertices = count + np.arange(len(ids))
        colours.append(ids + first_link_colour)
        links += [(left[i], vertices), (vertices, right[j])]
        first_link_colour += classes.max(initial=0) + 1
        count += len(ids)
    empty = np.zeros(0, dtype=np.int64)
    sources = np.concatenate([empty, *(a for a, _ in links)])
    targets = np.concatenate([empty, *(b for _, b in links)])
    # One vertex apart: nauty refuses a graph without any.
    colours.append(np.array([first_link_colour]))
    return np.concatenate(colours), (sources, targets)


def _row_and_column_parts(
    generator: list[int], ends: np.ndarray, order: np.ndarray, n_rows: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    images = order[np.asarray(generator, dtype=np.int64)[ends]].tolist()
    return tuple(images[:n_rows]), tuple(i - n_rows for i in images[n_rows:])
