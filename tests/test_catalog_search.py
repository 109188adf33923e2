"""Choosing points of a catalog by what they are, and catalogs of very many points."""

import time

import jax.numpy as jnp
import numpy as np
import pytest
from test_catalog import SPEC, edge, record

import flowlab as fl
from flowlab.catalog import Catalog, Collector, Orbits, merge

POINTS = (
    record("p1", kind="global minimum", index=0, nullity=0, explained_nullity=0, loss=0.0),
    record("p2", kind="spurious minimum", index=0, loss=0.05, isotropy_name="Δ(S_2×S_3)"),
    record("p3", index=1, loss=0.1, hits=0, certificate={}),
    record("p4", index=3, nullity=0, explained_nullity=0, loss=0.3, found_by="flow"),
)
EDGES = (edge("p3", "p1"), edge("p3", "p2"), edge("p4", "p3"))
CATALOG = Catalog(POINTS, SPEC, {"date": "a"}, EDGES)


@pytest.mark.parametrize(
    ("criteria", "ids"),
    [
        ({}, "1234"),
        ({"index": 0}, "12"),
        ({"index": (1, None)}, "34"),
        ({"index": [0, 3]}, "124"),
        ({"index": range(1, 3)}, "3"),
        ({"nullity": 0, "hits": (1, 9)}, "14"),
        ({"loss": (None, 0.05)}, "12"),
        ({"loss": 0.1 + 1e-12}, "3"),
        ({"kind": "saddle", "found_by": "flow"}, "4"),
        ({"kind": ["saddle", "global minimum"]}, "134"),
        ({"isotropy": "D(S_2xS_3)"}, "2"),
        ({"isotropy": "ΔS_2", "index": 1}, "3"),
        ({"spurious": True}, "2"),
        ({"spurious": False, "index": 0}, "1"),
        ({"certified": True}, "3"),
        ({"hyperbolic": True}, "14"),
        ({"sink": True}, "12"),
        ({"id": ["p1", "p9"]}, "1"),
        ({"index": None, "unexplained_nullity": 0}, "1234"),
    ],
)
def test_search(criteria, ids):
    found = CATALOG.search(**criteria)
    kept = [f"p{n}" for n in ids]
    assert [p.id for p in found] == kept
    assert found.connections == tuple(e for e in EDGES if {e.source, e.target} <= {*kept})
    assert [p.hits for p in found] == [CATALOG[id].hits for id in kept]


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"colour": 1}, "no criterion 'colour'; there is index, .*loss.*spurious"),
        ({"index": "one"}, "index is 'one'; needed: a number"),
        ({"index": True}, "index is True"),
        ({"index": (1,)}, r"index is \(1,\).*range \(low, high\)"),
        ({"loss": (2, 1)}, r"loss is \(2, 1\)"),
        ({"loss": float("nan")}, "loss is nan"),
        ({"kind": 3}, "kind is 3; needed: a text"),
        ({"spurious": "yes"}, "spurious is 'yes'; needed: True or False"),
    ],
)
def test_what_cannot_be_asked(criteria, message):
    with pytest.raises(ValueError, match=message):
        CATALOG.search(**criteria)


def test_spurious_where_the_floor_is_not_known():
    kinds = [record(f"p{n}", kind=kind, index=index, loss=loss) for n, (kind, index, loss) in
             enumerate([("minimum", 0, -1.0), ("minimum", 0, 2.0), ("sink node", 0, 3.0),
                        ("saddle", 1, 4.0)])]  # fmt: skip
    assert [p.id for p in Catalog(kinds, SPEC, {}).search(spurious=True)] == ["p1", "p2"]
    with pytest.raises(ValueError, match="needs a loss"):
        Catalog((record(loss=None),), SPEC, {}).search(spurious=True)


def test_an_orbit_is_found_among_many_of_equal_loss():
    """Without symmetry, 3^8 points of 9 losses: no two of them may be compared."""
    grid = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 8), -1).reshape(-1, 8)
    group = fl.TrivialGroup((8,))
    calls = 0
    plain = group.match

    def counted(*points, **options):
        nonlocal calls
        calls += 1
        return plain(*points, **options)

    group.match = counted
    orbits = Orbits(group, with_loss=True)
    for place in grid:
        assert orbits.find(place, (place == 0).sum() / 4) is None
        orbits.add(place, (place == 0).sum() / 4)
    noise = 1e-8 * np.sin(np.arange(8))
    for number in range(0, len(grid), 7):
        place = grid[number] + noise
        assert orbits.find(place, (grid[number] == 0).sum() / 4 + 1e-12)[0] == number
    assert calls < 2 * len(grid)


def test_a_collector_takes_the_first_that_matches():
    field = fl.zoo.double_wells(2)
    collector = Collector(field)
    places = np.array([[1.0, 1.0], [-1.0, 1.0], [1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    numbers = [collector.add(place, found_by="newton")[0] for place in places]
    same = [field.symmetry.same_orbit(places[0], places[1]), numbers[0] == numbers[1]]
    assert same[0] == same[1] and sum(p.hits for p in collector.points) == len(places)


@pytest.mark.slow
def test_many_points_take_time_in_proportion(rng, tmp_path):
    def many(count: int) -> Catalog:
        states = rng.normal(size=(count, 4))
        spectra = np.sort(rng.normal(size=(count, 4)))
        points = tuple(
            record(f"p{n}", loss=float(n % 50), location=w, eigenvalues=s)
            for n, (w, s) in enumerate(zip(states, spectra, strict=True))
        )
        return Catalog(points, {"type": "GradientFlow", "shape": [4]}, {"date": str(count)})

    def seconds(catalog: Catalog) -> float:
        begin = time.process_time()
        catalog.to_json(tmp_path / "a.json")
        back = Catalog.from_json(tmp_path / "a.json")
        assert len(merge(catalog, back)) == len(catalog)
        assert all(back[f"p{n}"] in back for n in range(0, len(back), 10))
        return time.process_time() - begin

    small, large = many(1_000), many(10_000)
    seconds(small)
    assert seconds(large) < 30 * seconds(small)


def test_lookup_needs_no_field():
    assert "p3" in CATALOG and "p9" not in CATALOG and 3 not in CATALOG
    assert jnp.asarray(CATALOG["p3"].location).shape == (2,)
