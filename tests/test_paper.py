"""The paper's claims: they hold, and a false one is called false."""

import dataclasses
import importlib
import json
import math
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl
from flowlab.paper import (
    Claim,
    _closed_forms,
    _conjecture1,
    _gating,
    _lemmas,
    _multilayer,
    _normal,
    _symmetric,
    _two_students,
)
from flowlab.paper._effort import Effort

ROOT = Path(__file__).resolve().parents[1]

# What compiles much; test_the_whole_table_as_a_command has them.
SLOW = (
    "Theorem 2", "Theorem 4", "Sec. 5.3, complete", "Theorem 6, flow", "Theorem 7",
    "Conjecture 2", "Fig. 9",
)  # fmt: skip
QUICK = tuple(
    name for name, _ in fl.paper.claim_names() if name not in SLOW and not name.startswith("Fig. 9")
)


@pytest.fixture(scope="module")
def table():
    """The quick rows, computed once; `progress` as it was called."""
    calls = []
    rows = fl.paper.check_claims(
        key=jax.random.key(3),
        samples=50_000,
        only=QUICK,
        progress=lambda *call: calls.append(call),
    )
    return rows, calls


def test_every_quick_claim_holds(table):
    rows, calls = table
    assert [row for row in rows if not row.holds] == []
    chosen = {name for name, _, _ in calls}
    assert set(QUICK) <= chosen and calls[-1] == ("", len(calls) - 1, len(calls) - 1)
    assert all(row.seconds >= 0 and row.method and row.statement for row in rows)


def test_no_two_rows_have_one_name(table):
    names = [row.name for row in table[0]]
    assert len(set(names)) == len(names) > 60


@pytest.mark.parametrize(
    ("dim", "epsilon", "exact"),
    [(2, 0.1, 0.4846366508897925), (2, 0.5, 0.42217346919260684), (10, 0.1, 0.460065258266)],
)
def test_theorem6_probability_is_the_published_one(dim, epsilon, exact):
    claim = fl.paper.theorem6(dim, epsilon)
    assert claim.found == pytest.approx(exact, abs=1e-12)
    assert claim.holds and claim.expected == pytest.approx((1 - epsilon) / 2)


# P(w in Ω) from the textbook areas and volumes of lenses.
def area_of_the_lens(r):
    """Share of the disc of radius r < 1 around 0 that lies in the unit disc around (1, 0)."""
    lens = (
        r**2 * np.arccos(r / 2) + np.arccos(1 - r**2 / 2) - 0.5 * np.sqrt((2 - r) * r * r * (2 + r))
    )
    return lens / (np.pi * r**2)


def volume_of_the_lens(r):
    """The same for balls in three dimensions, whose centres are 1 apart."""
    lens = np.pi * r**2 * (1 + 2 * (1 + r) - 3 * (1 - r) ** 2) / 12
    return lens / (4 / 3 * np.pi * r**3)


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
def test_theorem6_probability_is_the_volume_of_a_lens(epsilon):
    for dim, lens in ((2, area_of_the_lens), (3, volume_of_the_lens)):
        r = epsilon * np.sqrt(2 * np.pi / (dim + 1))
        assert fl.paper.theorem6_radius(dim, epsilon) == pytest.approx(r, rel=1e-15)
        assert fl.paper.theorem6(dim, epsilon).found == pytest.approx(lens(r), abs=1e-12)


SIZES = [2, pytest.param(100, marks=pytest.mark.slow)]


@pytest.mark.parametrize("dim", SIZES)
def test_theorem6_measured(dim):
    for epsilon in (0.1, 0.5):
        found = fl.paper.measure_theorem6(
            dim, epsilon, key=jax.random.key(1), starts=20_000, followed=500, confidence=0.999
        )
        assert found.inside_interval[0] < found.exact < found.inside_interval[1]
        assert found.bound == (1 - epsilon) / 2 < found.exact < 0.5
        # Convergence is certain, far above the bound.
        assert found.converged == found.followed == found.outcomes.starts == 500
        assert found.converged_interval[1] == 1.0 and found.converged_interval[0] > 0.98


@pytest.mark.parametrize("dim", [2, 10])
def test_the_angle_falls_as_theorem6_says(getkey, dim):
    """Why convergence is certain: the rate of the angle, by differentiating along the field."""
    field = fl.TeacherStudent(jnp.eye(1, dim))

    def angle(w):
        rest = jnp.linalg.norm(w[0, 1:])
        return jnp.arctan2(rest, w[0, 0])

    def rates(w):
        theta, rate = jax.jvp(angle, (w,), (field(0.0, w),))
        said = -(jnp.pi - theta) * jnp.sin(theta) / (2 * jnp.pi * jnp.linalg.norm(w))
        return rate, said

    rate, said = jax.jit(jax.vmap(rates))(0.3 * jax.random.normal(getkey(), (20, 1, dim)))
    assert np.all(rate < 0)
    np.testing.assert_allclose(rate, said, rtol=1e-11)


def test_theorem6_messages():
    for options, complaint in (
        (dict(dim=1), "dim is 1"),
        (dict(dim=2.5), "dim is 2.5"),
        (dict(epsilon=1.0), "epsilon is 1.0"),
        (dict(followed=10, starts=5), "followed is 10 of 5 starts"),
    ):
        with pytest.raises(ValueError, match=complaint):
            fl.paper.measure_theorem6(**options, key=jax.random.key(0))


# ---- verdicts ----


def test_a_false_claim_does_not_hold():
    assert not Claim.equal("x", "y", 1.0, 1.1, 0.05, "by hand").holds
    assert not Claim.equal("x", "y", 1.0, float("nan"), 0.05, "by hand").holds
    assert not Claim.at_least("x", "y", 0.5, 0.4, "by hand").holds
    assert not Claim.at_least("x", "y", 0.5, float("nan"), "by hand").holds
    assert not Claim.at_most("x", "y", 0.5, 0.6, "by hand").holds
    assert not Claim.unchecked("x", "y", "no such thing").holds


def test_a_correction_of_what_was_right_fails():
    for claimed, found, verdict in ((-1, 1, "corrected"), (1, 1, "fails"), (-1, -1, "fails")):
        row = Claim.corrected("x", "y", claimed, 1.0, found, 0.01, "by hand")
        assert (row.verdict, row.claimed) == (verdict, claimed)


def test_a_word_is_for_when_the_claim_holds():
    assert Claim.at_least("x", "y", 0.5, 0.6, "by hand", "supported").verdict == "supported"
    assert Claim.at_least("x", "y", 0.5, 0.4, "by hand", "supported").verdict == "fails"


# ---- planted errors: each has to be noticed by the rows that are about it ----


def scaled(function, factor=1 + 1e-6):
    return lambda *args, **kwargs: factor * function(*args, **kwargs)


def shifted(function, by=1e-6):
    return lambda *args, **kwargs: function(*args, **kwargs) + by


def mass_only(e, w):
    """The population gating with some of the asymmetric term missing."""
    return fl.population_gating(e, w) - 0.1 * fl.population_gating(-e, w)


def everywhere(function, by=1e-6):
    """All arrays of what is returned, off a little."""
    return lambda *args: jax.tree.map(lambda array: array + by, function(*args))


PLANTED = {
    "gating, Monte Carlo": (_gating, "population_gating", lambda _: mass_only, "Theorem 1"),
    "gating, quadrature": (_gating, "population_gating", scaled, "Theorem 1, all angles"),
    "gradient, one student": (_closed_forms, "gradient", scaled, "Eqn 6"),
    "gradient, many": (_closed_forms, "gradient", scaled, "Eqn 8"),
    "gradient, plane": (_closed_forms, "gradient", scaled, "Eqns S69-S70"),
    "gradient, rate of V": (_closed_forms, "gradient", scaled, "Eqns S49-S54"),
    "gradient, diagonal": (_closed_forms, "gradient", shifted, "Lemma 9"),
    "gradient, saddles": (_closed_forms, "gradient", shifted, "Sec. 5.3, saddle"),
    "gradient, further points": (_closed_forms, "gradient", shifted, "Sec. 5.3, more points"),
    "gradient, groups": (_closed_forms, "gradient", shifted, "Eqns 17-18"),
    "gradient, rotations": (_closed_forms, "gradient", shifted, "Theorem 2, rotations"),
    "loss": (_closed_forms, "loss", scaled, "Eqn 8"),
    "isotropic law": (_gating.Isotropic, "mass", shifted, "Eqn 7"),
    "gradient, normal equation": (_closed_forms, "gradient", scaled, "Eqn 9"),
    "matrices": (_normal, "_at", everywhere, "Eqn 9"),
    "coefficients": (_normal, "_at", everywhere, "Eqns 10-13"),
    "L": (_normal, "_at", everywhere, "Eqn 14"),
    "zeros of L": (_normal, "_at", everywhere, "Proposition 1"),
    "signs of L": (_normal, "_at", lambda f: lambda *z: everywhere(f, 1)(*z), "Theorem 3"),
    "L, printed sign": (
        _conjecture1, "l12", lambda f: lambda theta, phi: f(theta, np.abs(phi)), "Eqn S45",
    ),
    "L on the grid": (
        _conjecture1, "l12_sharp", lambda f: lambda theta, phi: f(theta, np.abs(phi)),
        "Conjecture 1",
    ),
    "angles of the lemmas": (
        _lemmas, "trig", lambda f: lambda K, x, y: f(K + 1e-6, x, y), "Lemma 3",
    ),
    "edges": (
        _lemmas, "dynamics", lambda f: lambda *z: (f(*z)[0] + 0.1, f(*z)[1] - 0.1),
        "Lemma 4",
    ),
    "reparametrisation": (
        _lemmas, "trig", lambda f: lambda K, x, y: f(K + 1e-6, x, y), "Lemma 5",
    ),
    "f3": (_lemmas, "dynamics", lambda f: lambda *z: f(*z)[::-1], "Lemma 6"),
    "one more zero": (
        _lemmas, "dynamics",
        lambda f: lambda K, x, y: tuple(c * (x - 0.6) for c in f(K, x, y)), "Lemma 7",
    ),
    "another limit": (
        _lemmas, "dynamics", lambda f: lambda *z: (f(*z)[0] + 0.01, f(*z)[1]), "Lemma 8",
    ),
    "x*": (_symmetric, "diagonal", shifted, "Theorem 7"),
    "start of Theorem 7": (_symmetric, "lift", shifted, "Sec. 6.2, start"),
    "deep networks": (
        _multilayer, "proposition2",
        lambda f: lambda *z: [(1 + 1e-6) * part for part in f(*z)],
        "Proposition 2",
    ),
    "error of samples": (
        _gating, "rms_error", lambda f: lambda rng, dim, size, *r, **k: size**-0.4, "Sec. 7.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_noticed(monkeypatch, name):
    place, attribute, change, claim = PLANTED[name]
    monkeypatch.setattr(place, attribute, change(getattr(place, attribute)))
    if claim == "Theorem 7":
        # The flow is compiled elsewhere; the saddle's spectrum needs none.
        rows = (_symmetric._saddle_index(Effort(jax.random.key(1))),)
    else:
        rows = fl.paper.check_claims(key=jax.random.key(1), samples=50_000, only=claim)
    assert "fails" in {row.verdict for row in rows}


def certify_room():
    """The module: `flowlab.certify` is also a function of that name."""
    return importlib.import_module("flowlab.certify")


@pytest.mark.parametrize(
    ("attribute", "claim"),
    [("theorem5", "Theorem 5"), ("one_student_convergence", "Theorem 5, remark")],
)
def test_a_proof_that_is_refused_is_a_claim_that_fails(monkeypatch, attribute, claim):
    def refuse(*args, **kwargs):
        raise fl.CertificationError("no proof today")

    monkeypatch.setattr(certify_room(), attribute, refuse)
    first, *_ = fl.paper.check_claims(only=claim)
    assert first.verdict == "fails" and math.isnan(first.found) and "no proof" in first.method


def test_a_conjecture_that_is_left_open_fails(monkeypatch):
    prove_conjecture1 = certify_room().prove_conjecture1
    monkeypatch.setattr(
        certify_room(),
        "prove_conjecture1",
        lambda **options: prove_conjecture1(depth=0, **options),
    )
    first, _ = fl.paper.check_claims(only="Conjecture 1")
    assert first.verdict == "fails"


def test_what_cannot_be_checked_is_said_to_be_so(monkeypatch):
    """Without python-flint the other rows are still there."""

    def absent(**options):
        raise ModuleNotFoundError("flowlab.certify needs python-flint", name="flint")

    monkeypatch.setattr(certify_room(), "prove_conjecture1", absent)
    (row,) = fl.paper.check_claims(only="Conjecture 1")
    assert row.verdict == "not checked" and not row.holds and "python-flint" in row.method


# ---- what the rows rest on ----


def test_the_two_forms_of_l12_agree(rng):
    theta, phi = rng.uniform(0.2, np.pi - 0.05, 500), rng.uniform(-np.pi, np.pi, 500)
    sharp, plain = _conjecture1.l12_sharp(theta, phi), _conjecture1.l12(theta, phi)
    np.testing.assert_allclose(sharp, plain, atol=1e-12)
    # Near θ = 0: L12 ~ (2/3) θ³ t (1-t) (2-t) at φ = t θ.
    t = np.array([0.1, 0.5, 0.9])
    limit = 2 / 3 * t * (1 - t) * (2 - t)
    np.testing.assert_allclose(_conjecture1.l12_sharp(1e-4, 1e-4 * t) / 1e-12, limit, rtol=1e-3)


def test_theorem3_needs_magnitudes_that_are_not_negative():
    """At a critical point the least residual is 0: the teacher, and the antipodal saddle."""
    s = np.sqrt(2) * np.array([0.75 + 1 / np.pi, 1 / np.pi - 0.25])
    u = np.ones(2) / np.sqrt(2)
    for W in (np.eye(2), np.stack([s[0] * u, -s[1] * u])):
        assert _normal._least_residual(W, np.eye(2)) < 1e-8
    assert _normal._least_residual(np.array([[3.0, 1.0], [1.0, 3.0]]), np.eye(2)) > 1e-3


def test_cones_by_their_angles():
    inside = _two_students._inside
    edges = np.array([[3.0], [-3.0]])  # the cone around π, across the cut
    assert inside(np.array([[3.1], [-3.1], [0.0], [2.9]]), edges).ravel().tolist() == [
        True, True, False, False,
    ]  # fmt: skip


def test_the_same_key_gives_the_same_numbers_alone_and_among_others():
    key = jax.random.key(5)
    both = fl.paper.check_claims(key=key, only=("Eqn 6", "Lemma 4"))
    alone = fl.paper.check_claims(key=key, only="lemma 4")
    strip = [dataclasses.replace(row, seconds=0.0) for row in (*both[1:], *alone)]
    assert strip[:3] == strip[3:] and len(alone) == 3
    other = fl.paper.check_claims(key=jax.random.key(6), only="Lemma 4")
    assert other[2].found != alone[2].found


def test_names_begin_at_the_end_of_a_word():
    assert {row.name for row in fl.paper.check_claims(only="Lemma 9")} == {
        "Lemma 9", "Lemma 9, field",
    }  # fmt: skip
    with pytest.raises(ValueError, match="no claim is called 'Eqn 1'"):
        fl.paper.check_claims(only="Eqn 1")
    with pytest.raises(ValueError, match="samples is 10"):
        fl.paper.check_claims(samples=10)


# ---- files ----


def test_json_comes_back(table):
    rows, _ = table
    odd = Claim.unchecked("x", "y", "z")
    text = fl.paper.claims_to_json((*rows, odd), seed=3)
    back = fl.paper.claims_from_json(text)
    assert back[:-1] == rows
    assert math.isnan(back[-1].found) and back[-1].verdict == "not checked"
    document = json.loads(text)
    assert document["provenance"]["settings"] == {"seed": 3}
    assert sum(document["verdicts"].values()) == len(document["claims"]) == len(rows) + 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.update(schema_version=2), "schema_version is 2"),
        (lambda d: d.pop("claims"), "not a table of claims"),
        (lambda d: d["claims"][0].pop("found"), r"claims\[0\] is damaged"),
        (lambda d: d["claims"][0].update(found="many"), r"claims\[0\] is damaged"),
        (lambda d: d["claims"][0].update(found=None), r"claims\[0\] is damaged"),
        (lambda d: d["claims"][0].update(verdict="true"), r"claims\[0\] is damaged"),
    ],
)
def test_damaged_json_is_refused(table, change, complaint):
    document = json.loads(fl.paper.claims_to_json(table[0][:1]))
    change(document)
    with pytest.raises(ValueError, match=complaint):
        fl.paper.claims_from_json(json.dumps(document))
    with pytest.raises(ValueError, match="not a table of claims"):
        fl.paper.claims_from_json("{")


def test_markdown_has_the_same_rows(table):
    rows, _ = table
    head, rule, *lines = fl.paper.claims_to_markdown(rows).strip().splitlines()[:-2]
    columns = [cell.strip() for cell in head.strip("|").split("|")]
    assert len(rule.strip("|").split("|")) == len(columns) == 9
    for line, row in zip(lines, rows, strict=True):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        told = dict(zip(columns, [re.sub(r"\\(.)", r"\1", cell) for cell in cells], strict=True))
        assert (told["claim"], told["statement"], told["verdict"]) == (
            row.name, row.statement, row.verdict,
        )  # fmt: skip
        assert float(told["found"]) == pytest.approx(row.found, rel=0.1, abs=0)
        claimed = float(told["claimed"]) if told["claimed"] else None
        assert claimed == (row.claimed if row.claimed is None else pytest.approx(row.claimed))


def test_every_erratum_of_the_page_has_a_row():
    """Each place that the page of errata names is named by a check or a row of it."""
    page = (ROOT / "docs" / "errata.md").read_text()
    places = re.findall(r"^\| ([PS][^|]*?) \|", page, re.M)
    assert len(places) >= 16
    names = " ".join(name for name, _ in fl.paper.claim_names())
    rows = "Eqn 10, converse Eqn 13 Theorem 7, remark Eqn S20 Eqn S45 Eqn S61 Lemma 7 Lemma 8"
    said = {
        "P 16": "Eqn 16", "P 5.2, Eqn 10": "Eqn 10", "P 5.2, Eqn 13": "Eqn 13",
        "P Theorem 4": "Theorem 4", "P 6.2, text": "Sec. 6.2",
        "P remark to Theorem 5; Theorem 6": "Theorem 5, remark",
        "P remark to Theorem 7": "Theorem 7", "P Figure 9": "Fig. 9", "P 7.1": "Sec. 7.1",
        "S 20": "Eqn S20", "S 45": "Eqn S45", "S 49-50": "Eqns S49", "S 61": "Eqn S61",
        "S Lemma 7": "Lemma 7", "S Lemma 8": "Lemma 8", "S Lemma 9": "Lemma 9",
    }  # fmt: skip
    for place in places:
        wanted = "Sec. 5.3" if place.startswith("P 5.3") else said[place]
        assert wanted in names or wanted in rows, place


# ---- the command ----


def test_paper_as_a_command(flowlab, tmp_path):
    files = tmp_path / "new" / "claims.json", tmp_path / "claims.md"
    status, printed, complaint = flowlab(
        "paper", "--only", "Lemma 9", "--only", "Eqn 6", "--json", files[0], "--markdown", files[1]
    )
    assert (status, complaint) == (0, "")
    assert "3 claims: 2 holds, 1 corrected." in printed and "…" not in printed
    assert re.search(r"^Lemma 9 +0\.9 +0\.455718 +0\.455718 +corrected", printed, re.M)
    rows = fl.paper.claims_from_json(files[0].read_text())
    assert [row.name for row in rows] == ["Eqn 6", "Lemma 9", "Lemma 9, field"]
    assert "| Lemma 9, field |" in files[1].read_text()


def test_statuses_of_the_command(flowlab, monkeypatch, tmp_path):
    status, _, complaint = flowlab("paper", "--only", "Lemma 10")
    assert status == 2 and "no claim is called 'Lemma 10'" in complaint
    assert flowlab("paper", "--json", tmp_path)[0] == 2
    status, printed, _ = flowlab("paper", "--list")
    assert status == 0 and all(name in printed for name, _ in fl.paper.claim_names())
    monkeypatch.setattr(_closed_forms, "gradient", shifted(_closed_forms.gradient))
    status, printed, _ = flowlab("paper", "--only", "Lemma 9")
    assert status == 1 and re.search(r"^Lemma 9, field .* FAILS", printed, re.M)
    assert "Lemma 9, field: on the diagonal" in printed


@pytest.mark.slow
def test_the_other_claims_as_a_command(flowlab, tmp_path):
    """With the quick ones these are all."""
    log, out = tmp_path / "log.jsonl", tmp_path / "claims.json"
    picked = [part for name in (*SLOW, "Conjecture 1") for part in ("--only", name)]
    status, printed, complaint = flowlab("paper", "--fast", *picked, "--json", out, "--log", log)
    assert (status, complaint) == (0, "")
    rows = fl.paper.claims_from_json(out.read_text())
    assert "fails" not in {row.verdict for row in rows} and len(rows) > 20
    assert fl.check_conjecture1(log).verdict == "proved"
    assert all(row.name in printed for row in rows)
