"""A branch of equilibria: what it is and how it is written to a file."""

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._files import write_atomically
from ..._outcome import Outcome
from ..._types import RealOrComplex
from ...fields import default_names
from ._special import SpecialPoint

if TYPE_CHECKING:
    import pandas as pd

VERSION = 2
"""Of the description; 1 had no provenance, and is read."""


@dataclasses.dataclass(frozen=True, eq=False)
class Branch:
    """Equilibria of a family of fields along a curve, and the special points on it.

    Attributes:
        parameter: the parameter at each point, (n,).
        states: the states, (n, *shape).
        index: the number of unstable directions, (n,): the Morse index for gradient flows.
        nullity: null directions that neither symmetry nor splitting explains, (n,).
        eigenvalues: (n, m), of the Hessian ascending (gradient flows) or of the Jacobian by
            descending real part (complex); without null directions that are explained. Rows that
            have fewer than others end in NaN.
        loss: the loss at each point, (n,), `None` for fields without one.
        isotropy: structure of the isotropy subgroup at each point, (n,) strings.
        special_points: where stability changes or branches meet, in the order along the branch;
            each of them is one of the states.
        outcomes: why the branch ends at its first and at its last state: `finished` at a bound of
            the parameter (and where it starts, if it was followed in one direction, or where it is
            closed), `singular`, `escaped`, or `exhausted` (budget, or steps too short).
        closed: whether it is a loop.
        images: number of symmetric images of the branch among those through its origin.
        origin: the special point it was found from, if it was.
        interval: bounds of the parameter.
        name: name of the parameter.
        provenance: with what it was made: description of the family (if it has one), settings,
            versions, date.

    Example:
        >>> import jax.numpy as jnp, flowlab as fl
        >>> family = lambda mu: fl.VectorField(lambda w: mu + w**2, (1,))
        >>> branch = fl.continue_branch(family, jnp.array([-1.0]), parameter=(-1.0, 1.0))
        >>> [(s.kind, round(s.parameter, 9) + 0.0) for s in branch.special_points]
        [('fold', 0.0)]
        >>> branch.index[[0, -1]].tolist(), branch.states[-1].round(9).tolist()
        ([0, 1], [1.0])
    """

    parameter: np.ndarray
    states: np.ndarray
    index: np.ndarray
    nullity: np.ndarray
    eigenvalues: RealOrComplex
    loss: np.ndarray | None
    isotropy: tuple[str, ...]
    special_points: tuple[SpecialPoint, ...]
    outcomes: tuple[Outcome, Outcome]
    closed: bool
    interval: tuple[float, float]
    name: str = "parameter"
    images: int = 1
    origin: SpecialPoint | None = None
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.parameter)

    @property
    def stable(self) -> np.ndarray:
        """Which states have no unstable direction and no unexplained null one, (n,)."""
        return (self.index == 0) & (self.nullity == 0)

    def replace(self, **changes: Any) -> "Branch":
        """Return a copy with some entries changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-compatible description; `from_dict` reads it."""
        is_complex = np.iscomplexobj(self.eigenvalues)
        parts = np.stack([self.eigenvalues.real, self.eigenvalues.imag], -1)
        values = parts if is_complex else self.eigenvalues
        return {
            "schema_version": VERSION,
            "name": self.name,
            "interval": list(self.interval),
            "parameter": self.parameter.tolist(),
            "states": self.states.tolist(),
            "index": self.index.tolist(),
            "nullity": self.nullity.tolist(),
            # JSON has no NaN.
            "eigenvalues": _without_nan(values).tolist(),
            "complex": is_complex,
            "loss": None if self.loss is None else self.loss.tolist(),
            "isotropy": list(self.isotropy),
            "special_points": [special.to_dict() for special in self.special_points],
            "outcomes": [outcome.name for outcome in self.outcomes],
            "closed": self.closed,
            "images": self.images,
            "origin": None if self.origin is None else self.origin.to_dict(),
            "provenance": self.provenance,
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write the branch as a JSON document, atomically: the file is whole or as it was.

        Args:
            path: where to; an existing file is replaced.
        """
        document = json.dumps(self.to_dict(), allow_nan=False, indent=1)
        write_atomically(path, document + "\n")

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "Branch":
        """Read a branch that `to_json` wrote.

        Raises:
            ValueError: if the file is no JSON, or no description of a branch that is read here.

        Example:
            >>> import tempfile, pathlib, jax.numpy as jnp, flowlab as fl
            >>> family = lambda mu: fl.VectorField(lambda w: mu + w**2, (1,))
            >>> branch = fl.continue_branch(family, jnp.array([-1.0]), parameter=(-1.0, 1.0))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     branch.to_json(pathlib.Path(folder) / "branch.json")
            ...     fl.Branch.from_json(pathlib.Path(folder) / "branch.json").name
            'mu'
        """
        try:
            entry = json.loads(Path(path).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{os.fspath(path)!r} is no JSON document: {error}.") from error
        if not isinstance(entry, dict):
            raise ValueError(f"{os.fspath(path)!r} holds a {type(entry).__name__}, not a branch.")
        return cls.from_dict(entry)

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with a row for each state, for pandas, CSV and Parquet.

        Columns: the parameter under its name, `loss` (if there is one), `index`, `nullity`,
        `stable`, `isotropy`, `special` (kind of the special point there, or empty) and the entries
        of the state.
        """
        import pandas as pd

        columns: dict[str, Any] = {self.name: self.parameter}
        if self.loss is not None:
            columns["loss"] = self.loss
        columns |= {"index": self.index, "nullity": self.nullity, "stable": self.stable}
        columns |= {"isotropy": list(self.isotropy)}
        special = [""] * len(self)
        for point in self.special_points:
            special[point.position] = point.kind
        names = self.provenance.get("coordinates") or default_names(self.states.shape[1:])
        entries = dict(zip(names, self.states.reshape(len(self), -1).T, strict=True))
        return pd.DataFrame(columns | {"special": special} | entries)

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> "Branch":
        """Return the branch that `to_dict` described.

        Raises:
            ValueError: if entries lack, do not fit together, or come from a newer flowlab.
        """
        version = entry.get("schema_version")
        if version not in (1, VERSION):
            raise ValueError(
                f"the branch has schema version {version!r}; this flowlab reads 1 to {VERSION}."
            )
        try:
            branch = _read(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this does not describe a branch: {error!r}.") from error
        entries = ("states", "index", "nullity", "eigenvalues", "isotropy")
        lengths = {name: len(getattr(branch, name)) for name in entries}
        if set(lengths.values()) != {len(branch)}:
            raise ValueError(f"the branch has {len(branch)} parameters, but {lengths}.")
        return branch

    def __repr__(self) -> str:
        low, high = self.parameter.min(initial=np.inf), self.parameter.max(initial=-np.inf)
        listed = ", ".join(f"{s.kind} {s.parameter:.6g}" for s in self.special_points) or "none"
        ends = "closed" if self.closed else "-".join(outcome.name for outcome in self.outcomes)
        copies = f", {self.images} images" if self.images > 1 else ""
        return (
            f"<Branch of {len(self)} states, {self.name} in [{low:.6g}, {high:.6g}], "
            f"special points: {listed}; {ends}{copies}>"
        )


def _without_nan(values: np.ndarray) -> np.ndarray:
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    return plain


def _read(entry: dict[str, Any]) -> Branch:
    values = np.array(entry["eigenvalues"], float)
    if entry["complex"]:
        values = values[..., 0] + 1j * values[..., 1]
    low, high = (float(bound) for bound in entry["interval"])
    first, last = (Outcome[name] for name in entry["outcomes"])
    origin = entry["origin"]
    return Branch(
        parameter=np.array(entry["parameter"], float),
        states=np.array(entry["states"], float),
        index=np.array(entry["index"], int),
        nullity=np.array(entry["nullity"], int),
        eigenvalues=values,
        loss=None if entry["loss"] is None else np.array(entry["loss"], float),
        isotropy=tuple(str(name) for name in entry["isotropy"]),
        special_points=tuple(SpecialPoint.from_dict(item) for item in entry["special_points"]),
        outcomes=(first, last),
        closed=bool(entry["closed"]),
        interval=(low, high),
        name=str(entry["name"]),
        images=int(entry["images"]),
        origin=None if origin is None else SpecialPoint.from_dict(origin),
        provenance=dict(entry.get("provenance", {})),
    )
