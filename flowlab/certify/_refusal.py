"""Why a proof was not given."""


class CertificationError(ValueError):
    """A critical point could not be certified, or a certificate does not hold.

    The message says why: a degenerate point, a box that touches a singularity, a point that is not
    critical, a field without closed forms, a claim that is false, or too few digits. It does not
    mean that the opposite is proved.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> displaced = jnp.array([[1.001, 0.0], [0.0, 1.0]])
        >>> try:
        ...     fl.certify(fl.TeacherStudent(jnp.eye(2)), displaced)
        ... except fl.CertificationError as error:
        ...     print(str(error)[:30])
        No critical point lies within
    """


class Inconclusive(Exception):
    """The enclosures were too wide to decide; more digits or a smaller box may help."""
