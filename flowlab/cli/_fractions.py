"""`flowlab fractions`: the share of random starts that each critical point attracts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._console import meter, open_console, progress
from ._errors import UserError
from ._field import Dim, Seed, Settings, Students, System, Teacher, chosen_field, describe
from ._files import require_file_place
from ._store import Resume, Store, how_to_go_on

if TYPE_CHECKING:
    from ..fields import AbstractSampler

HALF_WIDTH = 0.01

Law = Annotated[
    str | None,
    typer.Option(
        "--sampler",
        help="Law of the starts: normal (with --std), ball (--radius) or box (--low, --high).",
        show_default="the field's own",
    ),
]
Std = Annotated[
    float | None,
    typer.Option(help="Standard deviation of each entry of a normal start.", show_default=False),
]
Radius = Annotated[
    float | None,
    typer.Option(help="Radius of the ball around 0 that starts fill.", show_default=False),
]
Low = Annotated[
    float | None, typer.Option(help="Lower end of each coordinate of a box.", show_default=False)
]
High = Annotated[
    float | None, typer.Option(help="Upper end of each coordinate of a box.", show_default=False)
]
HalfWidth = Annotated[
    float | None,
    typer.Option(
        help="Stop when half the width of every interval is at most this.",
        show_default=f"{HALF_WIDTH}, unless --starts is given",
    ),
]
Starts = Annotated[
    int | None, typer.Option(min=1, help="Number of starts, fixed beforehand.", show_default=False)
]
MaxStarts = Annotated[
    int | None,
    typer.Option(
        min=1, help="Stop at so many starts even if intervals are wider.", show_default=False
    ),
]
Confidence = Annotated[float, typer.Option(help="Probability with which each interval holds.")]
OutFile = Annotated[Path | None, typer.Option(help="JSON file for the result.", show_default=False)]

PARAMETERS = {"normal": ("std",), "ball": ("radius",), "box": ("low", "high")}


def estimate_fractions(
    students: Students = None,
    teacher: Teacher = None,
    dim: Dim = None,
    system: System = None,
    settings: Settings = None,
    sampler: Law = None,
    std: Std = None,
    radius: Radius = None,
    low: Low = None,
    high: High = None,
    half_width: HalfWidth = None,
    starts: Starts = None,
    max_starts: MaxStarts = None,
    confidence: Confidence = 0.95,
    seed: Seed = 0,
    store: Store = None,
    resume: Resume = True,
    out: OutFile = None,
) -> None:
    """Estimate the share of random starts that each critical point attracts.

    Follows random starts to where they go, counts them by critical point, symmetric images
    together, and prints each share with an exact interval. Without --starts
    it stops when every interval is narrow enough.
    """
    if starts is None and half_width is None:
        half_width = HALF_WIDTH
    _require_consistent(half_width, starts, max_starts, confidence)
    field = chosen_field(students, teacher, dim, system, settings)
    given = {"std": std, "radius": radius, "low": low, "high": high}
    law = _law(sampler, {name: value for name, value in given.items() if value is not None})
    if out is not None:
        require_file_place("--out", out)
    console = open_console()
    console.print(describe(field))
    import jax

    from ..basins import basin_fractions

    with progress(console, lambda: how_to_go_on(store)) as bars:
        try:
            shares = basin_fractions(
                field,
                law,
                key=jax.random.key(seed),
                half_width=half_width,
                starts=starts,
                max_starts=max_starts,
                confidence=confidence,
                store=store,
                resume=resume,
                progress_meter=meter(bars, "Following starts"),
            )
        except (ValueError, ModuleNotFoundError) as error:
            raise UserError(str(error)) from error
    console.print(repr(shares))
    if out is not None:
        shares.to_json(out)
        console.print(f"Written:\n  {out}", soft_wrap=True)


def _require_consistent(
    half_width: float | None, starts: int | None, max_starts: int | None, confidence: float
) -> None:
    if starts is not None:
        for name, value in (("--half-width", half_width), ("--max-starts", max_starts)):
            if value is not None:
                raise UserError(f"{name} lets the data decide; it does not go with --starts.")
    if half_width is not None and not 0 < half_width < 0.5:
        raise UserError(f"--half-width is {half_width:g}; needed: a number between 0 and 0.5.")
    if not 0 < confidence < 1:
        raise UserError(f"--confidence is {confidence:g}; needed: a probability such as 0.95.")


def _law(sampler: str | None, given: dict[str, float]) -> "AbstractSampler | None":
    """Return the law that the options describe, `None` for the field's own."""
    if sampler is None:
        fitting = [law for law, names in PARAMETERS.items() if set(given) & set(names)]
        if not fitting:
            return None
        sampler = fitting[0]
    if sampler not in PARAMETERS:
        raise UserError(f"--sampler is {sampler!r}; needed: {', '.join(PARAMETERS)}.")
    names = PARAMETERS[sampler]
    for name in names:
        if name not in given:
            raise UserError(f"a {sampler} sampler needs --{name}.")
    for name in given:
        if name not in names:
            raise UserError(f"--{name} does not go with a {sampler} sampler.")
    return _build(sampler, [given[name] for name in names])


def _build(sampler: str, parameters: list[Any]) -> "AbstractSampler":
    from ..fields import Ball, Box, Normal

    laws = {"normal": Normal, "ball": Ball, "box": Box}
    try:
        return laws[sampler](*parameters)
    except ValueError as error:
        raise UserError(str(error)) from error
