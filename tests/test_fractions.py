"""Basin fractions: exact intervals, an honest stopping rule, known fractions, nothing lost."""

import itertools
import json
import shutil

import diffrax as dfx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from flowlab import Box, Outcome, VectorField, basin_fractions, classify, settle, theorem7_plane
from flowlab.basins import UnseenMass, _fractions, _sampling, clopper_pearson
from flowlab.basins._schedule import enough_starts, looks, widest
from flowlab.basins._tally import Tally
from flowlab.catalog import Catalog, provenance
from flowlab.fields import zoo
from flowlab.flow import Ensemble

WELLS = zoo.double_wells(2)
PLANE = theorem7_plane(3)
KEY = jax.random.key(5)

# x' = x² - 1: x < 1 flows to the sink -1, x > 1 blows up.
BLOW_UP = VectorField(lambda w: w**2 - 1, (1,), sampler=Box(-2.0, 2.0))

CONFIDENCES = st.sampled_from([0.5, 0.9, 0.95, 0.999, 1 - 1e-6])


# Intervals


@given(st.integers(1, 10**6), st.data(), CONFIDENCES)
def test_interval_is_scipys(trials, data, confidence):
    hits = data.draw(st.one_of(st.sampled_from([0, trials]), st.integers(0, trials)))
    exact = stats.binomtest(hits, trials).proportion_ci(confidence, method="exact")
    np.testing.assert_allclose(
        np.stack(clopper_pearson(hits, trials, confidence)), exact, rtol=1e-9, atol=1e-12
    )


def test_interval_at_the_ends():
    for trials in (1, 10, 10**6):
        lower, upper = clopper_pearson(np.array([0, trials]), trials, 0.95)
        edge = 1 - 0.025 ** (1 / trials)
        assert lower[0] == 0 and upper[1] == 1
        np.testing.assert_allclose([upper[0], 1 - lower[1]], [edge, edge], rtol=1e-9)


@pytest.mark.parametrize("p", [0.0, 1e-3, 0.1, 0.5, 1 - 1e-3, 1.0])
def test_interval_covers(rng, p):
    """Exactly, by summing the binomial law, and in 1,000 repetitions."""
    for trials in (10, 1_000):
        k = np.arange(trials + 1)
        lower, upper = clopper_pearson(k, trials, 0.95)
        holds = (lower <= p) & (p <= upper)
        assert stats.binom.pmf(k, trials, p)[holds].sum() >= 0.95
        assert holds[rng.binomial(trials, p, 1_000)].mean() >= 0.94


# The stopping rule


@given(st.floats(0.02, 0.4), st.sampled_from([0.8, 0.95, 0.99]))
def test_enough_starts_is_enough_and_the_fewest(half_width, confidence):
    enough = enough_starts(half_width, confidence)

    def worst(trials):
        lower, upper = clopper_pearson(np.arange(trials + 1), trials, confidence)
        return np.max(upper - lower) / 2

    assert all(worst(n) <= half_width for n in (enough, enough + 1, enough + 2, 2 * enough))
    assert enough == 1 or worst(enough - 1) > half_width


@given(st.floats(1e-4, 0.49), st.sampled_from([0.8, 0.95, 0.999]))
def test_looks_spend_the_error_probability_once(half_width, confidence):
    plan = looks(half_width, confidence)
    assert sum(look.error for look in plan) == pytest.approx(1 - confidence, rel=1e-9)
    sizes = [look.starts for look in plan]
    assert all(b in (2 * a, 2 * a - 1) for a, b in itertools.pairwise(sizes))
    assert widest(sizes[-1] // 2, plan[-1]) <= half_width
    assert len(plan) == 1 or widest(0, plan[0]) <= half_width
    assert sizes[-1] <= 1.25 * enough_starts(half_width, confidence) + 2


def exact_misses(p, plan, half_width):
    """The probability that a row whose true fraction is p ends with an interval without p.

    Propagates the binomial law from look to look. Alone the row decides when to stop; with others,
    it may be made to stop at any later look, so the worst case counts every look at which it could.
    """
    alone, worst = np.ones(1), np.ones(1)
    missed, missed_worst, starts, before = 0.0, 0.0, 0.0, 0
    for look in plan:
        step = stats.binom.pmf(np.arange(look.starts - before + 1), look.starts - before, p)
        alone, worst, before = np.convolve(alone, step), np.convolve(worst, step), look.starts
        lower, upper = clopper_pearson(np.arange(look.starts + 1), look.starts, look.confidence)
        may_stop = (upper - lower) / 2 <= half_width
        wrong = may_stop & ((p < lower) | (p > upper))
        missed += alone[wrong].sum()
        missed_worst += worst[wrong].sum()
        starts += look.starts * alone[may_stop].sum()
        alone, worst = np.where(may_stop, 0, alone), np.where(wrong, 0, worst)
    assert alone.sum() < 1e-12, "the last look always suffices"
    return missed, missed_worst, starts


@pytest.mark.parametrize("half_width", [0.1, 0.04, 0.02])
def test_stopping_rule_covers_whatever_made_it_stop(half_width):
    plan = looks(half_width, 0.95)
    fixed = enough_starts(half_width, 0.95)
    for p in (0.0, 1e-3, 0.01, 0.03, 0.08, 0.2, 0.37, 0.5, 0.9, 1.0):
        missed, missed_worst, starts = exact_misses(p, plan, half_width)
        assert missed <= missed_worst <= 0.05
        assert starts <= 1.1 * fixed + 2
    # The point of looking: a fraction near 0 needs few.
    assert exact_misses(0.0, plan, half_width)[2] < 0.55 * fixed


def words(shares):
    return " ".join(repr(shares).split())


class Labels:
    """A stand-in for `settle` whose labels are known: which of three wells, or escaped."""

    def __init__(self):
        self.field = zoo.double_wells(1)
        places = ([-1.0], [0.0], [1.0])
        self.points = [classify(self.field, np.array(w), found_by="flow") for w in places]

    def __call__(self, field, starts, *, catalog, progress_meter, **options):
        del options
        label = np.asarray(starts).reshape(-1).astype(int)
        known = [round(float(p.location[0])) for p in catalog]
        points, number = list(catalog.points), np.full(len(label), -1)
        for place in (-1, 0, 1):
            lanes = label == place
            if place not in known and lanes.any():
                known.append(place)
                points.append(self.points[place + 1].replace(id=f"p{len(points) + 1}"))
            if lanes.any():
                number[lanes] = known.index(place)
        outcome = np.where(number < 0, Outcome.escaped, Outcome.settled).astype(np.int8)
        state = label[:, None].astype(float)
        identity = self.field.symmetry.identity()
        zeros = np.zeros(len(label))
        progress_meter.step(progress_meter.init(), jnp.asarray(1.0))
        return Ensemble(
            outcome,
            state,
            number,
            np.where(number < 0, -1, 0),
            zeros,
            zeros.astype(int),
            zeros.astype(int),
            (identity,),
            catalog.replace(points=tuple(points)),
        )


def lottery(chances):
    """Starts -1, 0, 1 or 2 (the last escapes) with these chances."""
    ends = jnp.cumsum(jnp.array(chances))

    def law(key):
        return jnp.searchsorted(ends, jax.random.uniform(key, (1,))) - 1.0

    return law


@pytest.fixture
def labels(monkeypatch):
    stand_in = Labels()
    monkeypatch.setattr(_sampling, "settle", stand_in)
    return stand_in


# The two outer wells are images of one another: one row.
CHANCES = (0.25, 0.05, 0.15, 0.55)


@pytest.mark.slow
def test_whole_rule_covers_over_many_repetitions(labels, monkeypatch):
    """1,000 samplings through the very code, three shares at once; the labels are drawn."""
    rng = np.random.default_rng(11)
    monkeypatch.setattr(
        _fractions,
        "drawn_starts",
        lambda *_: lambda first, count: rng.choice([-1.0, 0, 1, 2], (count, 1), p=CHANCES),
    )
    # The catalog is given: classifying the points anew takes most of the time.
    catalog = Catalog(
        tuple(p.replace(id=f"p{i + 1}") for i, p in enumerate(labels.points[1:])),
        labels.field.spec(),
        provenance(labels.field),
    )
    truth = {"p1": 0.05, "p2": 0.4, "escaped": 0.55}
    held = dict.fromkeys(truth, 0)
    for _ in range(1_000):
        shares = basin_fractions(labels.field, key=KEY, half_width=0.06, catalog=catalog)
        assert shares.reached and sum(row.hits for row in shares) == shares.starts
        for name, p in truth.items():
            held[name] += shares[name].lower <= p <= shares[name].upper
    assert min(held.values()) >= 940


def test_unseen_mass_is_bounded(rng):
    """Over 1,000 samples of laws with a long tail, of which much is never seen."""
    for law in (1 / np.arange(1, 200.0) ** 2, np.ones(300), np.array([0.999, 0.001])):
        p = law / law.sum()
        held, good_turing = 0, 0
        for _ in range(1_000):
            sample = rng.choice(len(p), 400, p=p)
            seen, first, hits = np.unique(sample, return_index=True, return_counts=True)
            unseen = UnseenMass.of(hits, first, 400, 0.95)
            truth = 1 - p[seen].sum()
            held += truth <= unseen.upper
            good_turing += truth <= unseen.good_turing_upper
        assert held >= 940 and good_turing >= 940


def test_unseen_mass_by_hand():
    # Eight starts: A A A B | A C B C. Two of the later four reached a point new to the first four.
    unseen = UnseenMass.of(hits=[4, 2, 2], first=[0, 3, 5], starts=8, confidence=0.95)
    assert (unseen.earlier, unseen.later, unseen.new, unseen.estimate) == (4, 4, 2, 0.0)
    exact = stats.binomtest(2, 4, alternative="less").proportion_ci(0.95, method="exact").high
    assert unseen.upper == pytest.approx(exact, rel=1e-9)
    # Nothing new: 1 - alpha^(1/m); points given beforehand are never new.
    for first in ([0, 1], [-1, -1]):
        nothing = UnseenMass.of(hits=[4, 4], first=first, starts=8, confidence=0.95)
        assert nothing.new == 0 and nothing.upper == pytest.approx(1 - 0.05**0.25, rel=1e-12)
    single = UnseenMass.of(hits=[3, 1, 1], first=[0, 3, -1], starts=5, confidence=0.95)
    assert single.estimate == 1 / 5


# Known fractions


def test_each_quadrant_is_a_basin():
    """Uniform on [-1, 3] x [-2, 1]: shares 3/4 and 1/3 of the signs, the four images apart."""
    shares = basin_fractions(WELLS, Box([-1, -2], [3, 1]), key=KEY, starts=1_000, confidence=0.999)
    assert [row.hits for row in shares] == [1_000] and shares.catalog[0].orbit_size == 4
    frame = shares.images()
    assert frame.hits.sum() == 1_000 and len(frame) == 4
    location = shares.catalog[0].location
    elements = {"identity": [1, 1], "flip 1": [-1, 1], "flip 2": [1, -1], "flip 1 2": [-1, -1]}
    for row in frame.itertuples():
        right, up = location * elements[row.image] > 0
        truth = (3 / 4 if right else 1 / 4) * (1 / 3 if up else 2 / 3)
        assert row.lower <= truth <= row.upper and row.upper - row.lower < 0.12
    # Row and images are the same record of the same counts.
    assert shares["p1"].fraction == 1 and shares["p1"].lower == 0.0005 ** (1 / 1_000)


@pytest.fixture(scope="module")
def halves():
    return basin_fractions(PLANE, key=KEY, half_width=0.03, batch=1_000)


def test_theorem_7_halves_the_square(halves):
    assert {row.kind for row in halves} == {"sink node"} and len(halves) == 2
    assert all(row.lower < 0.5 < row.upper for row in halves)
    assert halves.reached and halves.starts == halves.looks[-1].starts
    assert halves.unseen.new == 0 and halves.unseen.upper < 0.01
    # They are the starts of `settle`, counted.
    same = settle(PLANE, halves.starts, key=KEY)
    hits = sorted(np.bincount(same.point).tolist())
    assert sorted(row.hits for row in halves) == [count for count in hits if count]


def test_batches_change_nothing(halves):
    for batch in (300, 4_096):
        other = basin_fractions(PLANE, key=KEY, half_width=0.03, batch=batch)
        assert other.to_frame().equals(halves.to_frame())
        assert other.images().equals(halves.images())
        assert other.unseen == halves.unseen and repr(other) == repr(halves)
        for one, two in zip(other.catalog, halves.catalog, strict=True):
            np.testing.assert_allclose(one.location, two.location, rtol=0, atol=1e-12)


def test_ids_follow_the_first_starts(labels):
    """The middle well first, the outer ones next, in any batch size, although found together."""
    starts = np.array([2, 0, 1, -1, 0, 1, 1.0])[:, None]
    for batch in (1, 3, 7):
        shares = basin_fractions(labels.field, starts=starts, batch=batch)
        assert [p.location.tolist() for p in shares.catalog] == [[0.0], [1.0]]
        assert [(row.name, row.hits) for row in shares] == [("p2", 4), ("p1", 2), ("escaped", 1)]
        images = shares.images()
        assert images[images.point == "p2"].image.tolist() == ["identity", "flip 1"]
        assert images[images.point == "p2"].hits.tolist() == [3, 1]


# Nothing is lost


def test_counts_add_up_when_starts_escape():
    shares = basin_fractions(BLOW_UP, key=KEY, starts=500, confidence=0.999)
    assert sum(row.hits for row in shares) == 500
    lost = [row for row in shares if row.point is None]
    assert {row.kind for row in lost} <= {"escaped", "nonfinite"} and lost
    away = sum(row.hits for row in lost)
    lower, upper = clopper_pearson(away, 500, 0.999)
    assert lower < 1 / 4 < upper
    assert shares["p1"].lower < 3 / 4 < shares["p1"].upper
    frame = shares.to_frame()
    assert frame.columns.tolist() == "point kind loss fraction lower upper hits".split()
    assert frame[frame.point.isna()].hits.sum() == away
    assert shares["escaped"].kind == "escaped" and shares["escaped"].point is None


def test_budgets_that_run_out_are_rows_too():
    shares = basin_fractions(BLOW_UP, starts=np.linspace(-2, 0.9, 50)[:, None], max_steps=1)
    assert shares["exhausted"].hits > 0 and sum(row.hits for row in shares) == 50
    assert shares.provenance["settings"]["sampler"] is None and "given" in repr(shares)


def test_catalog_that_lacks_an_attractor():
    """Half of the starts end at a point nobody knew: it is added, and the known one keeps its id.

    A sink that no start reaches is listed with what it may attract at most.
    """
    full = settle(PLANE, np.array([[0.9, 0.1], [0.1, 0.9], [0.3, 0.3]])).catalog
    teacher = next(p for p in full if p.location[0] > 0.9)
    known = full.replace(points=(teacher.replace(id="teacher"),))
    shares = basin_fractions(PLANE, key=KEY, starts=300, catalog=known)
    assert shares.catalog[0].id == "teacher" and len(shares.catalog) == 2
    assert shares.catalog[0].hits == teacher.hits + shares["teacher"].hits
    assert all(row.lower < 0.5 < row.upper for row in shares)
    below = Box([0.5, 1e-3], [1.0, 0.4])
    one_sided = basin_fractions(PLANE, below, key=KEY, starts=300, catalog=full)
    other = next(p.id for p in full if p.is_sink and p is not teacher)
    assert one_sided[teacher.id].hits == 300 and one_sided[other].hits == 0
    assert one_sided[other].upper == pytest.approx(1 - 0.025 ** (1 / 300), rel=1e-9)
    # The saddle attracts nothing and is no sink: it has no row.
    assert len(one_sided) == 2


def test_captured_starts_count_for_their_image():
    """A trajectory that stopped in a capture ball has the label and not the point as its end."""
    field, sink = WELLS, classify(WELLS, np.array([1.0, 1.0]))
    flip = field.symmetry.match(sink.location, np.array([-1.0, 1.0]))
    empty = Catalog((), field.spec(), provenance(field))
    ensemble = Ensemble(
        np.array([Outcome.captured, Outcome.captured, Outcome.exhausted], np.int8),
        np.array([[-0.9, 0.95], [0.9, 0.9], [0.0, 3.0]]),
        np.array([0, 0, -1]),
        np.array([1, 0, -1]),
        *(np.zeros(3, int) for _ in range(3)),
        (field.symmetry.identity(), flip),
        empty.replace(points=(sink,)),
    )
    new, known = Tally(field, None), Tally(field, ensemble.catalog)
    for tally in (new, known):
        tally.count(tally.encode(ensemble), 10)
        assert tally.hits == [2] and tally.unsettled == {"exhausted": 1}
        assert sorted(tally.images.values()) == [1, 1]
    assert new.first == [10] and known.first == [-1]
    # A new point is represented by what its first start is bound for.
    np.testing.assert_allclose(new.collector.points[0].location, [-1, 1], rtol=0, atol=1e-12)


# The result


def test_max_starts_ends_it_and_says_so(labels):
    law = lottery(CHANCES)
    shares = basin_fractions(labels.field, law, key=KEY, half_width=0.01, max_starts=500)
    assert shares.starts == 500 and not shares.reached and "not reached" in words(shares)
    assert shares.level == looks(0.01, 0.95)[-1].confidence


def test_target_for_each_image(labels):
    """The pooled row of both outer wells is certain; each of them is even odds."""
    law = lottery((0.5, 0, 0.5, 0))
    pooled = basin_fractions(labels.field, law, key=KEY, half_width=0.05)
    apart = basin_fractions(labels.field, law, key=KEY, half_width=0.05, by_image=True)
    assert pooled.starts == pooled.looks[0].starts and apart.starts == apart.looks[-1].starts
    images = apart.images()
    assert ((images.upper - images.lower) / 2 <= 0.05).all()


def test_simultaneous_intervals_are_bonferronis(labels):
    shares = basin_fractions(labels.field, lottery(CHANCES), key=KEY, starts=300)
    together = shares.simultaneous()
    assert len(shares) == 3
    for one, both in zip(shares, together, strict=True):
        exact = stats.binomtest(one.hits, 300).proportion_ci(1 - 0.05 / 3, method="exact")
        assert (both.lower, both.upper) == pytest.approx(tuple(exact), rel=1e-9)
        assert both.hits == one.hits and both.upper > one.upper
    assert together.simultaneous() is together
    assert "all of them hold at once" in words(together)


def test_table(labels):
    law = lottery(CHANCES)
    shares = basin_fractions(labels.field, law, key=KEY, starts=1_000)
    lines = repr(shares).splitlines()
    assert "1,000 starts" in lines[0] and "lottery" in lines[0]
    assert lines[1].split() == "point kind loss fraction interval hits images".split()
    for line, row in zip(lines[2:], shares, strict=False):
        low, high = line[line.index("[") + 1 : line.index("]")].split(", ")
        # Printed ends are rounded outward, by no more than a tenth of the half-width.
        assert float(low) <= row.lower and row.upper <= float(high)
        assert float(high) - float(low) < 1.2 * (row.upper - row.lower)
    assert "2/2" in lines[2] or "2/2" in lines[3]
    assert max(map(len, lines)) < 80
    notes = " ".join(lines[5:])
    assert notes.startswith("Intervals: Clopper-Pearson at 95%. Points that no start reached")
    assert "at most 0.006 of the starts (95%): 0 of the last 500 starts reached" in notes
    assert ": 1 start from" in repr(basin_fractions(labels.field, law, key=KEY, starts=1))


def test_json(labels, tmp_path):
    shares = basin_fractions(labels.field, lottery(CHANCES), key=KEY, half_width=0.1)
    shares.to_json(tmp_path / "fractions.json")
    data = json.loads((tmp_path / "fractions.json").read_text(encoding="utf-8"))
    assert data["starts"] == sum(row["hits"] for row in data["fractions"])
    assert sum(row["hits"] for row in data["images"]) == data["starts"] - shares["escaped"].hits
    assert [look["starts"] for look in data["looks"]] == [look.starts for look in shares.looks]
    settings = data["provenance"]["settings"]
    assert settings["solver"] == "Dopri8" and settings["rtol"] == 1e-8
    assert settings["sampler"]["type"] == "function" and data["provenance"]["key"] == [0, 5]
    assert {point["id"] for point in data["points"]} == {"p1", "p2"}
    assert data["field"]["name"] == "double_wells"


def test_progress_rises_to_the_end(labels):
    seen = []

    class Meter(dfx.AbstractProgressMeter):
        def init(self):
            return 0

        def step(self, state, progress):
            seen.append((state, float(progress)))
            return state + 1

        def close(self, state):
            seen.append((state, None))

    law = lottery((0.5, 0, 0, 0.5))
    shares = basin_fractions(
        labels.field, law, key=KEY, half_width=0.05, batch=50, progress_meter=Meter()
    )
    numbers, progress = zip(*seen, strict=True)
    assert numbers == tuple(range(len(seen))) and progress[-1] is None
    assert list(progress[:-1]) == sorted(progress[:-1]) and progress[-2] == 1
    assert shares.starts == shares.looks[-1].starts


class Interrupted(BaseException):
    """What a kill looks like from inside."""


def test_interrupted_jobs_go_on(labels, monkeypatch, tmp_path):
    """Stopped after each batch in turn and called again: the same result, nothing done twice."""
    pytest.importorskip("zarr")
    law = lottery(CHANCES)
    options = dict(key=KEY, half_width=0.1, batch=40)
    whole = basin_fractions(labels.field, law, **options)
    calls = []

    def one_batch(*args, **more):
        if len(calls) % 2:
            calls.append(None)
            raise Interrupted
        calls.append(len(args[1]))
        return labels(*args, **more)

    monkeypatch.setattr(_sampling, "settle", one_batch)
    while True:
        try:
            again = basin_fractions(labels.field, law, **options, store=tmp_path / "job")
            break
        except Interrupted:
            pass
    assert sum(count or 0 for count in calls) == whole.starts == again.starts
    assert again.to_frame().equals(whole.to_frame()) and again.images().equals(whole.images())
    assert again.unseen == whole.unseen and repr(again) == repr(whole)
    for one, two in zip(again.catalog, whole.catalog, strict=True):
        np.testing.assert_array_equal(one.location, two.location)
    # Finished: nothing is followed any more. Another job is refused.
    monkeypatch.setattr(_sampling, "settle", None)
    basin_fractions(labels.field, law, **options, store=tmp_path / "job")
    with pytest.raises(ValueError, match="resume=True"):
        basin_fractions(labels.field, law, **options, store=tmp_path / "job", resume=False)
    for other in (dict(key=jax.random.key(6)), dict(rtol=1e-6), dict(capture=True)):
        with pytest.raises(ValueError, match="another job"):
            basin_fractions(labels.field, law, **{**options, **other}, store=tmp_path / "job")
    with pytest.raises(ValueError, match="another job"):
        # A function of the same name that draws otherwise.
        basin_fractions(labels.field, lottery((1, 0, 0, 0)), **options, store=tmp_path / "job")


def same(one, two):
    """Whether two results agree in all but the moment at which they were made."""
    places = [[p.location.tolist() for p in shares.catalog] for shares in (one, two)]
    rows = one.to_frame().equals(two.to_frame()) and one.images().equals(two.images())
    return rows and places[0] == places[1] and one.unseen == two.unseen and repr(one) == repr(two)


RUNS = [
    dict(starts=100),
    dict(starts=700),
    dict(half_width=0.1),
    dict(half_width=0.06),
    dict(starts=300, batch=7),
    dict(half_width=0.2, max_starts=20),
    dict(half_width=0.08, by_image=True, confidence=0.99),
    dict(starts=900, batch=400),
]


@pytest.mark.parametrize("order", [1, -1])
def test_a_store_serves_runs_that_stop_elsewhere(labels, monkeypatch, tmp_path, order):
    """More starts or narrower intervals add to it, fewer count part of it: as if run afresh."""
    pytest.importorskip("zarr")
    followed = []

    def counting(*args, **more):
        followed.append(len(args[1]))
        return labels(*args, **more)

    # The saddle is rare: in short runs nothing of it must show that longer ones have met it.
    law, most, met = lottery((0.6, 0.02, 0.0, 0.38)), 0, set()
    for options in RUNS[::order]:
        options = {"key": KEY, "batch": 60, **options}
        fresh = basin_fractions(labels.field, law, **options)
        monkeypatch.setattr(_sampling, "settle", counting)
        shares = basin_fractions(labels.field, law, **options, store=tmp_path / "job")
        monkeypatch.setattr(_sampling, "settle", labels)
        assert same(shares, fresh)
        most = max(most, shares.starts)
        met.add(len(shares.catalog))
        assert sum(followed) == most
    assert met == {1, 2}


def test_a_gap_in_a_store_is_filled_whatever_the_batch(labels, monkeypatch, tmp_path):
    pytest.importorskip("zarr")
    law, store = lottery(CHANCES), tmp_path / "job"
    whole = basin_fractions(labels.field, law, key=KEY, starts=400, batch=50, store=store)
    for lost in ([0], [3, 4], [2], [6, 7]):
        for number in lost:
            shutil.rmtree(store / f"chunk-{number:06d}")
        options = dict(key=KEY, starts=400, store=store)
        assert same(basin_fractions(labels.field, law, batch=13, **options), whole)
        monkeypatch.setattr(_sampling, "settle", None)
        assert same(basin_fractions(labels.field, law, batch=1_000, **options), whole)
        monkeypatch.setattr(_sampling, "settle", labels)


def test_a_store_of_given_starts_grows_by_more_of_them(labels, tmp_path, rng):
    pytest.importorskip("zarr")
    starts = rng.choice([-1.0, 0.0, 1.0, 2.0], (200, 1), p=CHANCES)
    store = tmp_path / "job"
    basin_fractions(labels.field, starts=starts[:90], batch=40, store=store)
    shares = basin_fractions(labels.field, starts=starts, batch=40, store=store)
    assert same(shares, basin_fractions(labels.field, starts=starts, batch=40))
    fewer = basin_fractions(labels.field, starts=starts[:50], batch=40, store=store)
    assert same(fewer, basin_fractions(labels.field, starts=starts[:50], batch=40))
    starts[60] = 1 - starts[60]
    with pytest.raises(ValueError, match="its starts from number 40 on are others"):
        basin_fractions(labels.field, starts=starts, batch=40, store=store)


@pytest.mark.parametrize(
    "options, complaint",
    [
        (dict(starts=10, key=None), r"key=jax.random.key"),
        (dict(), "needed: one of them"),
        (dict(starts=10, half_width=0.1), "needed: one of them"),
        (dict(half_width=0.6), "half_width is 0.6"),
        (dict(half_width=0.0), "half_width is 0.0"),
        (dict(half_width=float("nan")), "half_width is nan"),
        (dict(starts=0), "starts is 0"),
        (dict(starts=2.5), "starts is 2.5"),
        (dict(starts=10, confidence=95), "confidence is 95"),
        (dict(starts=10, batch=0), "batch is 0"),
        (dict(starts=10, max_starts=5), "max_starts goes with half_width"),
        (dict(half_width=0.1, max_starts=-1), "max_starts is -1"),
        (dict(starts=10, sampler=Box), "sampler is"),
        (dict(starts=10, sampler=np.zeros((3, 2))), "sampler is"),
        (dict(starts=10, sampler=lambda key: jnp.ones(3)), r"shape \(3,\)"),
        (dict(starts=np.ones((4, 3))), r"starts has shape \(4, 3\)"),
    ],
)
def test_messages(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        basin_fractions(WELLS, **{"key": KEY, **options})


def test_counts_that_are_none():
    for hits, trials in ((-1, 3), (4, 3), (0.5, 3), (0, 0)):
        with pytest.raises(ValueError, match="hits are"):
            clopper_pearson(hits, trials)
