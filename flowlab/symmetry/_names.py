"""Names of isotropy groups, as the literature on student-teacher landscapes writes them."""

from ._coloured_graph import CanonicalForm, Table, automorphism_order, factorials, orbit_sizes


def isotropy_name(table: Table, form: CanonicalForm, order: int) -> str:
    r"""A name for the automorphism group of a table.

    With :math:`p_i` the sizes of the orbits of rows and :math:`q_j` of columns: ``Δ(S_p×S_q)``
    when rows and columns move together and each orbit of rows in all ways (Arjevani and Field,
    2020); ``S_p×S_q`` when rows and columns move independently in all ways.

    Args:
        table: The colours.
        form: Its canonical form, with generators.
        order: The order of the group.

    Returns:
        ``"trivial"``, ``"ΔS_p"``, ``"Δ(S_p×S_q)"``, ``"S_p×S_q"``, ``"Z_n"`` or ``"order n"``.
    """
    if order == 1:
        return "trivial"
    rows, columns = orbit_sizes(form.row_orbits), orbit_sizes(form.column_orbits)
    moving = [p for p in rows if p > 1]
    if order == factorials(rows) and _is_diagonal(table):
        return "Δ" + (symmetric(moving) if len(moving) == 1 else f"({symmetric(moving)})")
    if order == factorials(rows) * factorials(columns):
        return symmetric(moving + [q for q in columns if q > 1])
    if len(form.generators) == 1:
        return f"Z_{order}"
    return f"order {order}"


def symmetric(sizes: list[int]) -> str:
    """The product of symmetric groups of the given degrees."""
    return "×".join(f"S_{n}" for n in sizes)


def _is_diagonal(table: Table) -> bool:
    """Whether each automorphism is known from what it does to the rows alone, or columns alone."""
    return (
        automorphism_order(table.fixing_rows()) == 1
        and automorphism_order(table.fixing_columns()) == 1
    )
