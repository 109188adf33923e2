"""The tables of `flowlab landscape`: edges, barriers, reachability."""

from typing import TYPE_CHECKING, Any

from ._console import plain_table, printable

if TYPE_CHECKING:
    import networkx as nx
    from rich.console import Console

ROWS = 40
"""So many rows of a table are printed."""

PADDING = (0, 1, 0, 0)


def print_edges(console: "Console", merged: "nx.MultiDiGraph") -> None:
    """Print where the unstable directions of each point lead, a row for each pair of orbits."""
    if not merged.number_of_edges():
        console.print("No connections: no point has an unstable direction that was followed.")
        return
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for source, target, data in merged.edges(data=True):
        groups.setdefault((source, target), []).append(data)
    columns = {"from": "left", "index": "right", "to": "left", "kind": "left", "images": "right"}
    columns |= {"directions": "right", "loss drop": "right", "time": "right"}
    table = plain_table(columns, padding=PADDING)
    for (source, target), found in groups.items():
        node = merged.nodes[target]
        images = len({data["image"] for data in found})
        drops = [data["loss_drop"] for data in found if "loss_drop" in data]
        row = (
            source,
            str(merged.nodes[source]["index"]),
            target,
            node["kind"],
            f"{images} of {node['orbit_size']:,}",
            f"{sum(data['multiplicity'] for data in found):,}",
            f"{drops[0]:.9f}" if drops else "",
            f"{min(data['time'] for data in found):.1f}",
        )
        table.add_row(*map(printable, row))
    console.print("Connections, modulo symmetry:")
    console.print(table)
    console.print("images: those reached from one image of the saddle; time: the shortest")
    _print_outcomes(console, merged)


def _print_outcomes(console: "Console", graph: "nx.MultiDiGraph") -> None:
    prefix = "directions_"
    counts = {k.removeprefix(prefix): v for k, v in graph.graph.items() if k.startswith(prefix)}
    if counts:
        ended = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        total = graph.graph["directions"]
        console.print(printable(f"{total:,} directions were followed: {ended}."))


def print_barriers(console: "Console", graph: "nx.MultiDiGraph") -> None:
    """Print the lowest chain of saddles between each pair of orbits of minima."""
    from ..landscape import barriers

    found = barriers(graph, by="orbit")
    if not len(found):
        console.print("No barriers: there are no two minima to go between.")
        return
    columns = {"minimum": "left", "other": "left", "saddle": "left", "at loss": "right"}
    table = plain_table(columns | {"barrier": "right", "back": "right"}, padding=PADDING)
    for row in found.head(ROWS).to_dict("records"):
        if row["chain"] is None:
            table.add_row(*map(printable, (row["minimum"], row["other"], "no chain", "", "", "")))
            continue
        saddle = graph.nodes[row["saddle"]].get("point", row["saddle"])
        heights = (f"{row[name]:.9f}" for name in ("saddle_loss", "barrier", "barrier_back"))
        table.add_row(*map(printable, (row["minimum"], row["other"], saddle, *heights)))
    console.print("Barriers, over the lowest chain of saddles:")
    console.print(table)
    _print_rest(console, len(found))
    if any(row["minimum"] == row["other"] for row in found.to_dict("records")):
        console.print("A minimum and itself: between two different symmetric images of it.")


def print_reachability(console: "Console", graph: "nx.MultiDiGraph") -> None:
    """Print what each point of positive index decides between."""
    from ..landscape import reachability

    reach = reachability(graph)
    if not reach.orbits:
        return
    table = plain_table(
        {"point": "left", "decides between": "left", "images": "right"}, padding=PADDING
    )
    for name, minima in list(reach.orbits.items())[:ROWS]:
        images = len(reach.attractors.get(name, ()))
        table.add_row(*map(printable, (name, ", ".join(minima) or "nothing known", images)))
    console.print("What descending chains of connections reach:")
    console.print(table)
    _print_rest(console, len(reach.orbits))
    for minimum, sources in reach.orbit_sources.items():
        shown = ", ".join(sources) or "nothing"
        console.print(printable(f"  {minimum} is reached from {shown}"), soft_wrap=True)


def _print_rest(console: "Console", rows: int) -> None:
    if rows > ROWS:
        console.print(f"... and {rows - ROWS:,} more")
