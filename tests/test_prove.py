"""`flowlab prove` and what it adds to the statements: Theorem 4 against gradients by quadrature."""

import numpy as np
import pytest

import flowlab as fl

pytest.importorskip("flint")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The log of Conjecture 1 for all angles."""
    log = tmp_path_factory.mktemp("proof") / "log.jsonl"
    fl.prove_conjecture1(log=log)
    return log


@pytest.mark.parametrize("name", ["theorem5", "k1-convergence"])
def test_what_is_proved_is_said_last(flowlab, name):
    status, printed, _ = flowlab("prove", name)
    assert status == 0
    assert printed.splitlines()[-1].startswith("proved: ")


def test_a_log_is_written_and_checked(flowlab, whole, tmp_path):
    log = tmp_path / "log.jsonl"
    status, printed, _ = flowlab("prove", "theorem4", "--log", log)
    assert status == 0
    assert printed.splitlines()[-1].startswith("proved: two students, not collinear")
    assert log.read_text() == whole.read_text()
    status, printed, _ = flowlab("prove", "conjecture1", "--check", log)
    assert status == 0
    assert printed.splitlines()[-1].startswith("proved: the signs of L12 ")


def test_a_log_with_a_hole_is_refused(flowlab, whole, tmp_path):
    log, lines = tmp_path / "log.jsonl", whole.read_text().splitlines()
    log.write_text("\n".join(lines[:3] + lines[4:]) + "\n")
    for name in ("conjecture1", "theorem4"):
        status, _, error = flowlab("prove", name, "--check", log)
        assert status == 2
        assert "does not hold" in error
        assert flowlab("prove", name, "--check", tmp_path / "none.jsonl")[0] == 2


def test_a_part_of_the_angles_does_not_prove_theorem_4(flowlab, tmp_path):
    log = tmp_path / "log.jsonl"
    fl.prove_conjecture1(theta=(3.1, 3.14), log=log)
    status, printed, _ = flowlab("prove", "theorem4", "--check", log)
    assert status == 1
    assert printed.splitlines()[-1].startswith("undecided: ")
    status, printed, _ = flowlab("prove", "conjecture1", "--check", log)
    assert status == 0
    assert "theta in [3.1, 3.14]" in printed


def test_a_counterexample_fails(flowlab, tmp_path):
    log = tmp_path / "log.jsonl"
    fl.prove_conjecture1(theta=(3.1, 3.14), signed=False, log=log)
    status, printed, _ = flowlab("prove", "conjecture1", "--check", log)
    assert status == 1
    assert printed.splitlines()[-1].startswith("counterexample: ")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["conjecture2"], "there is conjecture1, theorem4"),
        (["theorem5", "--log", "x.jsonl"], "has no log"),
        (["theorem4", "--log", "a", "--check", "b"], "give one of them"),
        (["theorem4", "--log", "/none/a"], "no directory"),
    ],
)
def test_prove_refuses(flowlab, arguments, text):
    status, _, error = flowlab("prove", *arguments)
    assert status == 2
    assert text in error


def gating(e, v):
    """F(e, v) = E[x 1(e.x > 0) relu(v.x)] in the plane, by the trapezoidal rule on the circle."""
    angles = np.linspace(0, 2 * np.pi, 20_001)[:-1]
    x = np.stack([np.cos(angles), np.sin(angles)], 1)
    weights = (x @ e > 0) * np.maximum(x @ v, 0)
    # E over the Gaussian: the mean over the circle times E[r^2] = 2.
    return 2 * (weights[:, None] * x).mean(0)


@pytest.mark.parametrize("inside", [True, False])
def test_theorem_4_against_gradients(rng, inside):
    """No choice of the students' norms and weights brings the gradient of both to 0.

    The gradient is linear in the norms times weights, so the least it can be is a least-squares
    residual; that the same linear system is solvable for teachers = students shows it is the right
    one.
    """
    for _ in range(4):
        theta = rng.uniform(0.3, 2.8)
        places = [rng.uniform(0.1, 0.9) * theta for _ in range(3)]
        if not inside:
            places = [theta + rng.uniform(0.1, 0.9) * (2 * np.pi - theta) for _ in range(3)]
        students = [np.array([np.cos(a), np.sin(a)]) for a in (0.0, theta)]
        matrix = np.stack([np.concatenate([gating(e, u) for e in students]) for u in students], 1)

        def least(angles, matrix=matrix, students=students):
            units = [np.array([np.cos(a), np.sin(a)]) for a in angles]
            goal = sum(np.concatenate([gating(e, v) for e in students]) for v in units)
            return np.linalg.norm(matrix @ np.linalg.lstsq(matrix, goal, rcond=None)[0] - goal)

        assert least(places) > 1e-3
        assert least([0.0, theta]) < 1e-3 / 5


def test_what_is_no_log_is_named_once(flowlab, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text("{\n")
    status, _, said = flowlab("prove", "conjecture1", "--check", other)
    assert status == 2 and said.count(str(other)) == 1 and "is not the log of a proof" in said
    status, _, said = flowlab("prove", "conjecture1", "--check", tmp_path / "none.jsonl")
    assert status == 2 and "none.jsonl cannot be read: No such file" in said
