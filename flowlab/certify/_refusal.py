"""Why a proof was not given."""


class CertificationError(ValueError):
    """A critical point could not be certified, or a certificate does not hold.

    The message says why: a degenerate point, a box that touches a singularity, a point that is not
    critical, a field without closed forms, a claim that is false, or too few digits. It does not
    mean that the opposite is proved.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> diagonal = 0.534154943091895 * jnp.ones((2, 2))
        >>> try:
        ...     fl.certify(fl.TeacherStudent(jnp.eye(2)), diagonal)
        ... except fl.CertificationError as error:
        ...     print(str(error)[:35])
        The point is degenerate: nullity 1.
    """


class Inconclusive(Exception):
    """The enclosures were too wide to decide; more digits or a smaller box may help."""
