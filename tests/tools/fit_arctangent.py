"""Fit the coefficients of `flowlab/fields/_arctangent.py`: a weighted rational minimax fit.

Remez' exchange for `P/Q ~ (atan(t) - t) / t^3` as a function of `z = t^2` on `[0, (21/32)^2]`, with
`P` of degree 4, `Q` of degree 5 and `Q(0) = 1`, minimising the largest relative error of
`t + t z P(z)/Q(z)` as an arctangent of `t`. Run it as a script to print the coefficients.
"""

import mpmath as mp

DIGITS = 60
BREAK = mp.mpf(21) / 32
NUMERATOR_DEGREE, DENOMINATOR_DEGREE = 4, 5


def _horner(coefficients, z):
    """The polynomial with these coefficients, the constant first."""
    value = mp.mpf(0)
    for coefficient in reversed(list(coefficients)):
        value = value * z + coefficient
    return value


def target(z):
    """`(atan(t) - t) / t^3` at `t = sqrt(z)`, by its series where the quotient cancels."""
    if z < mp.mpf("1e-10"):
        return mp.fsum((-1) ** (k + 1) * z**k / (2 * k + 3) for k in range(8))
    t = mp.sqrt(z)
    return (mp.atan(t) - t) / (t * z)


def weight(z):
    """What an absolute error of the quotient does to the relative error of the arctangent."""
    if z == 0:
        return mp.mpf(0)
    t = mp.sqrt(z)
    return t * z / mp.atan(t)


def evaluate(p, q, z):
    """The quotient of two polynomials with ascending coefficients."""
    return _horner(p, z) / _horner(q, z)


def least_squares(zs, m, n, rounds=6):
    """A first guess: weighted least squares of `P - fQ`, divided by the last `Q` each round."""
    q = [mp.mpf(1)]
    for _ in range(rounds):
        normal, right = mp.zeros(m + n + 1), mp.zeros(m + n + 1, 1)
        for z in zs:
            f, scale = target(z), (weight(z) / _horner(q, z)) ** 2
            row = [z**j for j in range(m + 1)] + [-f * z**j for j in range(1, n + 1)]
            for i, left in enumerate(row):
                right[i] += scale * left * f
                for j, entry in enumerate(row):
                    normal[i, j] += scale * left * entry
        x = mp.lu_solve(normal, right)
        p, q = list(x[: m + 1]), [mp.mpf(1), *x[m + 1 :]]
    return p, q


def level(nodes, p, q, error):
    """Newton's method for the fit whose weighted errors at `nodes` are `error, -error, ...`."""
    m, n = len(p) - 1, len(q) - 1
    size = m + n + 2
    for _ in range(30):
        matrix, right = mp.zeros(size), mp.zeros(size, 1)
        for i, z in enumerate(nodes):
            sign = (-1) ** i / weight(z)
            value, below = target(z) + sign * error, _horner(q, z)
            row = [z**j for j in range(m + 1)] + [-value * z**j for j in range(1, n + 1)]
            for j, entry in enumerate([*row, -sign * below]):
                matrix[i, j] = entry
            right[i] = value * below - _horner(p, z)
        step = mp.lu_solve(matrix, right)
        p = [old + step[j] for j, old in enumerate(p)]
        q = [q[0], *(old + step[m + 1 + j] for j, old in enumerate(q[1:]))]
        error += step[size - 1]
        if mp.norm(step, mp.inf) < mp.mpf("1e-30"):
            return p, q
    raise RuntimeError("Newton's method for the levelled fit did not converge")


def extrema(zs, errors):
    """The largest error of each run of one sign: the nodes of the next exchange."""
    found = []
    for z, error in zip(zs, errors, strict=True):
        if found and (error > 0) == (found[-1][1] > 0):
            if abs(error) > abs(found[-1][1]):
                found[-1] = (z, error)
        else:
            found.append((z, error))
    return found


def fit(m=NUMERATOR_DEGREE, n=DENOMINATOR_DEGREE, points=300):
    """Return `(P, Q, error)`: coefficients in ascending order and the levelled relative error."""
    with mp.workdps(DIGITS):
        zs = [BREAK**2 * (1 - mp.cos(mp.pi * i / points)) / 2 for i in range(1, points + 1)]
        p, q = least_squares(zs, m, n)
        for _ in range(15):
            errors = [weight(z) * (evaluate(p, q, z) - target(z)) for z in zs]
            found = extrema(zs, errors)
            if len(found) != m + n + 2:
                raise RuntimeError(f"{len(found)} alternations; needed {m + n + 2}")
            sizes = [abs(error) for _, error in found]
            if max(sizes) < mp.mpf("1.001") * min(sizes):
                return p, q, max(sizes)
            middle = mp.sqrt(max(sizes) * min(sizes)) * mp.sign(found[0][1])
            p, q = level([z for z, _ in found], p, q, middle)
    raise RuntimeError("the exchange did not level the error")


if __name__ == "__main__":
    numerator, denominator, worst = fit()
    print("P", *(repr(float(c)) for c in numerator), sep="\n  ")
    print("Q", *(repr(float(c)) for c in denominator), sep="\n  ")
    print("relative error", mp.nstr(worst, 4))
