"""One number for each way in which a cell can end."""

import dataclasses
from typing import Any

import numpy as np

from .._outcome import Outcome
from ..flow import Ensemble


@dataclasses.dataclass(frozen=True, eq=False)
class Kind:
    """One symmetric image of one critical point.

    Attributes:
        point: index of the point in the catalog.
        image: index of the image's name.
        end: the image itself, a state.
    """

    point: int
    image: int
    end: np.ndarray


class Codes:
    """The images reached so far, numbered as they come up.

    A cell's code is the number of what it reached; `-1 - outcome` if that is no critical point.
    Whether a trajectory settled or was captured makes no difference.

    Attributes:
        images: names of the images.
        kinds: what each code from 0 up means.
    """

    def __init__(self) -> None:
        self.images: list[str] = []
        self.kinds: list[Kind] = []

    def of(self, ensemble: Ensemble) -> np.ndarray:
        """Return the codes (n,) int32 of the trajectories of an ensemble."""
        codes = -1 - ensemble.outcome.astype(np.int32)
        labelled = np.flatnonzero(ensemble.point >= 0)
        images = max(len(ensemble.images), 1)
        pairs = ensemble.point[labelled] * images + ensemble.image[labelled]
        found, inverse = np.unique(pairs, return_inverse=True)
        numbers = [self._number(ensemble, *divmod(pair, images)) for pair in found.tolist()]
        codes[labelled] = np.array(numbers, np.int32)[inverse]
        return codes

    def _number(self, ensemble: Ensemble, point: int, which: int) -> int:
        element = ensemble.images[which]
        name = str(element)
        if name not in self.images:
            self.images.append(name)
        image = self.images.index(name)
        for number, kind in enumerate(self.kinds):
            if (kind.point, kind.image) == (point, image):
                return number
        # Where a captured trajectory was stopped is not where it goes.
        end = np.asarray(element.apply(ensemble.catalog[point].location))
        self.kinds.append(Kind(point, image, end))
        return len(self.kinds) - 1

    def since(self, images: int, kinds: int) -> dict[str, Any]:
        """Return, in JSON's words, what came up after the first so many images and kinds."""
        new = [[kind.point, kind.image, kind.end.tolist()] for kind in self.kinds[kinds:]]
        return {"images": self.images[images:], "kinds": new}

    def extend(self, found: dict[str, Any]) -> None:
        """Take in what `since` returned."""
        self.images += found["images"]
        self.kinds += [Kind(p, image, np.array(end, float)) for p, image, end in found["kinds"]]

    def points(self, codes: np.ndarray) -> np.ndarray:
        """Return the index of the critical point of each code, -1 for none."""
        return _looked_up([kind.point for kind in self.kinds], codes)

    def image_numbers(self, codes: np.ndarray) -> np.ndarray:
        """Return the index of the image of each code, -1 for none."""
        return _looked_up([kind.image for kind in self.kinds], codes)

    def outcomes(self, codes: np.ndarray, examples: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return the outcome for each code, int8; for labels the one most `examples` have.

        Args:
            codes: what to look up.
            examples: codes and outcomes of trajectories that were followed.
        """
        labelled = examples[0] >= 0
        code, outcome = (array[labelled].astype(np.int64) for array in examples)
        size = len(self.kinds), len(Outcome)
        counts = np.bincount(code * size[1] + outcome, minlength=size[0] * size[1]).reshape(size)
        usual = np.where(counts.any(1), counts.argmax(1), Outcome.settled)
        return np.where(codes < 0, -1 - codes, _looked_up(usual, codes)).astype(np.int8)


def _looked_up(table: Any, codes: np.ndarray) -> np.ndarray:
    """Return the table's entries, -1 where the code is negative."""
    return np.append(np.asarray(table, np.int32), np.int32(-1))[np.maximum(codes, -1)]
