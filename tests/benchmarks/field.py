"""One evaluation of the full teacher-student field in batches, against its parts alone.

The parts that no implementation of the closed form gets around: the Gram products `W W'` and
`W V'`, and a square root and an arctangent for each of the `K(K + M)` pairs. The field also needs
the sums over pairs, as many multiplications again as the Gram products; they are shown but not
counted as a part.
"""

import statistics
from collections.abc import Callable
from typing import Any

from _cores import rerun_on
from _report import Report, alternating, median_ratio, read_options, timed

PAIRS = 1 << 18
"""About so many pairs are in a batch: arrays of 2 MB."""

CALLS = 10
"""Calls in a row for one timing."""


def main() -> None:
    options = read_options(__doc__)
    if options.cores is None:
        rerun_on([1])
    else:
        measure(options)


def measure(options: Any) -> None:
    """Measure fields of two sizes on the cores that this process has."""
    import jax

    jax.config.update("jax_enable_x64", True)
    report = Report("One evaluation of the teacher-student field, 1 core", options.markdown)
    rows = []
    for size in (12, 50):
        states = 1 << ((PAIRS // (2 * size * size)).bit_length() - 1)
        jobs = parts(size, states)
        for job in jobs.values():
            job()
        seconds = alternating(jobs, 3 * options.runs)
        needed = [sum(times) for times in zip(*(seconds[name] for name in NEEDED), strict=True)]
        columns = [seconds[name] for name in ("field", *NEEDED, "sums over pairs")]
        rows.append(
            [f"K = M = d = {size}, {states:,} states"]
            + [f"{1e6 * statistics.median(times) / CALLS / states:.2f}" for times in columns]
            + [f"{median_ratio(seconds['field'], needed):.2f}"]
        )
    report.table(["µs a state", "field", *NEEDED, "sums over pairs", "field / parts"], rows)


NEEDED = ("Gram products", "square roots", "arctangents")


def parts(size: int, states: int) -> dict[str, Callable[[], Any]]:
    """Return the field and its parts as jobs, on data of the same shapes."""
    import jax
    import jax.numpy as jnp

    import flowlab as fl
    from flowlab.fields._arctangent import arctan_quotient

    field = fl.TeacherStudent(teacher=jnp.eye(size))
    keys = jax.random.split(jax.random.key(0), 3)
    w = jax.random.normal(keys[0], (size, size, states)) / size**0.5
    both = jnp.concatenate([w, jnp.broadcast_to(field.teacher[..., None], w.shape)])
    cosines = jax.random.uniform(keys[1], (size, 2 * size, states), minval=-1.0)
    sines = jnp.sqrt(1 - cosines**2)

    def repeated(function: Callable[..., Any], *arrays: jax.Array) -> Callable[[], None]:
        compiled = jax.jit(function)

        def job() -> None:
            for _ in range(CALLS):
                jax.block_until_ready(compiled(*arrays))

        return job

    def better(*jobs: Callable[[], None]) -> Callable[[], None]:
        for job in jobs:
            job()
        return min(jobs, key=lambda job: min(timed(job) for _ in range(3)))

    first = [jnp.moveaxis(x, -1, 0) for x in (w, both, cosines)]
    return {
        "field": repeated(lambda w: field.batch(w), w),
        "Gram products": better(
            repeated(lambda a, b: sum(a[:, None, i] * b[None, :, i] for i in range(size)), w, both),
            repeated(lambda a, b: a @ jnp.swapaxes(b, 1, 2), first[0], first[1]),
        ),
        "square roots": repeated(jnp.sqrt, jnp.abs(cosines)),
        "arctangents": repeated(arctan_quotient, sines, cosines),
        "sums over pairs": better(
            repeated(
                lambda c, b: sum(c[:, i, None] * b[None, i] for i in range(len(b))), cosines, both
            ),
            repeated(lambda c, b: c @ b, first[2], first[1]),
        ),
    }


if __name__ == "__main__":
    main()
