"""Different critical points a second, against multistart with scipy as its users would write it.

Everybody gets the same starts, six students and six teachers in six dimensions, and has to list
every orbit it reaches once, with loss, Morse index and the order of its isotropy group. The peers
call flowlab's own compiled field and Jacobian, polish with Newton steps, compare points of equal
loss under all permutations of the teachers and the best one of the students (an assignment), and
count the permutations that fix a point in the same way.
"""

import itertools
import math
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import scipy
from _cores import rerun_on
from _report import Report, alternating, median_ratio, read_options, timed

import flowlab as fl

STUDENTS, STARTS, FAST_STARTS, FEWER = 6, 300, 60, 15
"""BFGS, which is slow, gets every `FEWER`-th start; its rate per start does not depend on it."""

SCALES = (1.0, 0.6)
"""Of the field's own sampler: at these every method finds more orbits than at larger ones."""

SAME = 1e-6
PERMUTATIONS = np.array(list(itertools.permutations(range(STUDENTS))))


class Found(NamedTuple):
    """One orbit as a peer lists it."""

    state: np.ndarray
    loss: float
    morse_index: int
    isotropy_order: int


class Peer:
    """Multistart with a method of scipy, and what turns its ends into a list of orbits."""

    def __init__(self, field: fl.TeacherStudent, solve: Callable[..., np.ndarray]):
        shape, size = field.shape, field.size
        velocity = jax.jit(lambda w: field(0.0, w.reshape(shape)).reshape(-1))
        jacobian = jax.jit(lambda w: field.jacobian(w.reshape(shape)).reshape(size, size))
        loss = jax.jit(lambda w: field.loss(w.reshape(shape)))
        self.velocity = lambda w: np.asarray(velocity(w))
        self.jacobian = lambda w: np.asarray(jacobian(w))
        self.loss = lambda w: float(loss(w))
        self.solve = solve

    def __call__(self, starts: np.ndarray) -> list[Found]:
        orbits: list[Found] = []
        for start in starts.reshape(len(starts), -1):
            w = self.polished(self.solve(self.velocity, self.jacobian, start))
            if w is None:
                continue
            loss, state = self.loss(w), w.reshape(STUDENTS, STUDENTS)
            near = [o for o in orbits if abs(o.loss - loss) < 1e-9]
            if any(next(_matches(o.state, state), None) is not None for o in near):
                continue
            index = int((np.linalg.eigvalsh(-self.jacobian(w)) < -1e-8).sum())
            orbits.append(Found(state, loss, index, sum(_matches(state, state))))
        return orbits

    def polished(self, w: np.ndarray) -> np.ndarray | None:
        """The zero that a few Newton steps reach, if there is one."""
        f = self.velocity(w)
        if not np.abs(f).max() < 1e-6:
            return None
        for _ in range(10):
            if np.abs(f).max() < 1e-14:
                break
            w = w - np.linalg.lstsq(self.jacobian(w), f, rcond=None)[0]
            f = self.velocity(w)
        zero = np.abs(f).max() <= 1e-12 and np.linalg.norm(w.reshape(STUDENTS, -1), axis=1).all()
        return w if zero else None


def _matches(source: np.ndarray, target: np.ndarray):
    """For each permutation of the teachers under which two states agree, in how many ways."""
    for places in PERMUTATIONS:
        gaps = scipy.spatial.distance.cdist(source[:, places], target, "chebyshev")
        rows, columns = scipy.optimize.linear_sum_assignment(gaps)
        if gaps[rows, columns].max() < SAME:
            # Students that are equal may change places as well.
            alike = (np.abs(target[:, None] - target).max(axis=2) < SAME).sum(axis=1)
            yield round(math.prod(math.factorial(n) ** (1 / n) for n in alike.tolist()))


def by_hybr(velocity, jacobian, start: np.ndarray) -> np.ndarray:
    """`root` with Powell's hybrid method and the exact Jacobian."""
    return scipy.optimize.root(velocity, start, jac=jacobian, method="hybr").x


def by_bfgs(velocity, jacobian, start: np.ndarray) -> np.ndarray:
    """BFGS on half the squared velocity, then Newton (in `polished`)."""

    def speed(w):
        f = velocity(w)
        return f @ f / 2, jacobian(w).T @ f

    return scipy.optimize.minimize(
        speed, start, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 1_000}
    ).x


def flowlab_search(field: fl.TeacherStudent, starts: np.ndarray) -> list[Found]:
    """The same by `find_critical_points` from the same starts."""
    catalog = fl.find_critical_points(field, starts=starts, methods=["newton"])
    return [Found(p.location, p.loss or 0.0, p.index, p.isotropy_order) for p in catalog]


def disagreements(field: fl.TeacherStudent, ours: list[Found], theirs: list[Found]) -> str:
    """Of the orbits that both have found, how many they describe differently."""
    shared = wrong = 0
    for other in theirs:
        for one in ours:
            if abs(one.loss - other.loss) < 1e-9 and field.symmetry.same_orbit(
                one.state, other.state
            ):
                shared += 1
                wrong += one[2:] != other[2:]
    return f"{wrong} of {shared}"


def main() -> None:
    options = read_options(__doc__)
    if options.cores is None:
        rerun_on([1])
    else:
        measure(options)


def measure(options: Any) -> None:
    """Measure the search and its peers on the cores that this process has."""
    field = fl.TeacherStudent(np.eye(STUDENTS))
    count = FAST_STARTS if options.fast else STARTS
    scales = np.resize(SCALES, count)[:, None, None]
    starts = np.random.default_rng(0).normal(size=(count, *field.shape))
    starts *= scales * field.sampler.std
    entries: dict[str, tuple[Callable[[np.ndarray], list[Found]], np.ndarray]] = {
        "flowlab": (lambda some: flowlab_search(field, some), starts),
        "scipy root, hybr": (Peer(field, by_hybr), starts),
        "scipy BFGS and Newton": (Peer(field, by_bfgs), starts[::FEWER]),
    }
    found: dict[str, list[Found]] = {}

    def job(name: str) -> Callable[[], None]:
        search, some = entries[name]
        return lambda: found.update({name: search(some)})

    jobs = {name: job(name) for name in entries}
    first = {name: timed(run) for name, run in jobs.items()}
    seconds = alternating(jobs, options.runs)
    rates = {n: [len(found[n]) / s for s in times] for n, times in seconds.items()}
    rows = []
    for name in entries:
        others = name != "flowlab"
        rows.append(
            [
                name,
                f"{statistics.median(rates[name]):.1f}",
                f"{median_ratio(rates['flowlab'], rates[name]):.1f}" if others else "",
                f"{len(found[name])}",
                f"{len(entries[name][1])}",
                disagreements(field, found["flowlab"], found[name]) if others else "",
                f"{max(0.0, first[name] - statistics.median(seconds[name])):.1f}",
            ]
        )
    report = Report(f"Search for critical points, K = {STUDENTS}, 1 core", options.markdown)
    report.table(
        ["", "orbits/s", "flowlab is ×", "orbits", "starts", "differ", "compiling, s"], rows
    )


if __name__ == "__main__":
    main()
