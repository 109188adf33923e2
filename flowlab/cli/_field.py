"""Options that choose a field, the same for every command that needs one, and the field."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._errors import UserError, reason
from ._jax import prepare_jax

if TYPE_CHECKING:
    from ..fields import AbstractField

Students = Annotated[
    int | None,
    typer.Option(
        "--students",
        "-k",
        min=1,
        help="Number of students K; by default as many as the teacher file has rows, else 2.",
        show_default=False,
    ),
]
Teacher = Annotated[
    str | None,
    typer.Option(
        help="'orthonormal' (K unit vectors), or a .npy file of teacher rows (M, d).",
        show_default="orthonormal",
    ),
]
Dim = Annotated[
    int | None,
    typer.Option(
        min=1, help="Input dimension d of an orthonormal teacher.", show_default="as many as K"
    ),
]
System = Annotated[
    str | None,
    typer.Option(help="A system of the zoo instead, such as muller_brown.", show_default=False),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A parameter of --system, such as damping=0.5; may be repeated.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything that is drawn.")]


def chosen_field(
    students: int | None,
    teacher: str | None,
    dim: int | None,
    system: str | None,
    settings: list[str] | None = None,
) -> "AbstractField":
    """Return the field that the options describe, ready to compute with in 64 bits.

    Args:
        students: `--students`.
        teacher: `--teacher`.
        dim: `--dim`.
        system: `--system`.
        settings: each `--set`.

    Returns:
        The field.

    Raises:
        UserError: if the options contradict each other or name what is not there.
    """
    prepare_jax()
    if system is not None:
        given = {"--students": students, "--teacher": teacher, "--dim": dim}
        for name, value in given.items():
            if value is not None:
                raise UserError(
                    f"{name} describes a student network; it does not go with --system."
                )
        return _zoo(system, _parameters(settings or []))
    if settings:
        raise UserError(f"--set {settings[0]} sets a parameter of a system; it needs --system.")
    if teacher is None or teacher == "orthonormal":
        return _orthonormal(2 if students is None else students, dim)
    if dim is not None:
        raise UserError("--dim goes with the orthonormal teacher; a file has its own dimension.")
    return _from_file(teacher, students)


def describe(field: Any) -> str:
    """Return one line that says which field this is."""
    spec = field.spec()
    if spec["type"] == "zoo":
        settings = ", ".join(f"{name} = {value}" for name, value in spec["parameters"].items())
        return f"The system {spec['name']}{f' ({settings})' if settings else ''}."
    count, width = field.shape
    return (
        f"Student network of {count} ReLU{'s' * (count > 1)} on a teacher of {len(field.teacher)}, "
        f"inputs N(0, I) in {width} dimension{'s' * (width > 1)}."
    )


def _parameters(settings: list[str]) -> dict[str, float]:
    """Return the numbers that `--set NAME=VALUE` gives, by name."""
    parameters = {}
    for text in settings:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign):
            raise UserError(f"--set {text}: needed: NAME=VALUE, such as damping=0.5.")
        if name in parameters:
            raise UserError(f"--set {text}: {name} was set before.")
        parameters[name] = _number(text, value)
    return parameters


def _number(text: str, value: str) -> float:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    raise UserError(f"--set {text}: {value!r} is no number.")


def _zoo(name: str, parameters: dict[str, float]) -> "AbstractField":
    from ..fields import zoo

    name = name.replace("-", "_")
    try:
        return zoo.build(name, parameters)
    except ValueError as error:
        message = str(error)
        said = message if message.startswith(name) else f"--system {name}: {message}"
        hint = "" if "the zoo has no" in message else " Give parameters as --set NAME=VALUE."
        raise UserError(said + hint) from error


def _orthonormal(students: int, dim: int | None) -> "AbstractField":
    import jax.numpy as jnp

    from ..fields import TeacherStudent

    width = students if dim is None else dim
    if width < students:
        raise UserError(
            f"--dim is {width}, but {students} orthonormal teachers need at least {students} "
            "dimensions. Raise --dim or give the teacher as a file."
        )
    return TeacherStudent(jnp.eye(students, width))


def _from_file(path: str, students: int | None) -> "AbstractField":
    import numpy as np

    from ..fields import TeacherStudent

    try:
        with open(path, "rb") as stream:
            if stream.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
                raise ValueError("it is something else. `numpy.save(path, rows)` writes one.")
            stream.seek(0)
            rows = np.lib.format.read_array(stream, allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(
            f"--teacher {path}: no such file. Needed: 'orthonormal' or a .npy file (M, d)."
        ) from error
    except (OSError, ValueError) as error:
        said = reason(error) if isinstance(error, OSError) else str(error)
        raise UserError(
            f"--teacher {path} cannot be read as a .npy file of numbers: {said}"
        ) from error
    if rows.dtype.kind not in "biuf":
        raise UserError(f"--teacher {path} holds {rows.dtype}; needed: real numbers, (M, d).")
    try:
        return TeacherStudent(rows, students=students)
    except (ValueError, TypeError) as error:
        raise UserError(f"--teacher {path}: {error}") from error
