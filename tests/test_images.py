"""One place, one image: names of symmetric images do not depend on how a place was reached."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from flowlab import TeacherStudent, basin_map, settle
from flowlab.fields import zoo
from flowlab.symmetry import SignedPermutations, StudentPermutations, TeacherStabilizer

TRIANGLE = np.array([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
GROUPS = {
    "signed permutations": SignedPermutations(4),
    "permutations": SignedPermutations(4, signs=False),
    "orthonormal teacher": StudentPermutations(np.ones(3)) * TeacherStabilizer(np.eye(3)),
    "free directions": StudentPermutations(np.ones(3)) * TeacherStabilizer(np.eye(2, 3)),
    "triangle": StudentPermutations(np.ones(3)) * TeacherStabilizer(TRIANGLE),
    "weighted students": StudentPermutations([1.0, 1.0, 2.0]) * TeacherStabilizer(np.eye(3)),
    "dihedral": zoo.magnetic_pendulum().symmetry,
}
# Few values, so that most states are left where they are by something.
STATES = {
    name: arrays(float, group.shape, elements=st.sampled_from([0.0, 1.0, -1.0, 0.25]))
    for name, group in GROUPS.items()
}


@pytest.mark.parametrize("name", GROUPS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_elements_that_agree_on_a_point_are_one_element_to_match(name, data):
    group, w = GROUPS[name], data.draw(STATES[name])
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    names: dict[tuple[float, ...], set[str]] = {}
    for _ in range(30):
        place = np.asarray(group.act(group.random_element(rng), w))
        near = place + 1e-10 * rng.standard_normal(place.shape)
        key = tuple((np.round(place.reshape(-1), 6) + 0.0).tolist())
        names.setdefault(key, set()).update(str(group.match(w, end)) for end in (place, near))
    assert max(map(len, names.values())) == 1


def places(states):
    """A number for each state, the same for states that differ by rounding only."""
    rounded = np.round(states.reshape(len(states), -1), 6) + 0.0
    return np.unique(rounded, axis=0, return_inverse=True)[1].reshape(-1)


def pairs_of(label, image, place):
    """Which labels go with which places, as a set of pairs."""
    named = [f"{point} {which}" for point, which in zip(label, image, strict=True)]
    return set(zip(named, place.tolist(), strict=True))


def is_bijection(pairs):
    return len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})


def test_images_of_a_collapsed_saddle():
    """Two students in one place: 36 elements of the group, 9 places, each with one name."""
    field = TeacherStudent(jnp.eye(3))
    near = np.array([[0.6, 0.6, 0.0], [0.6, 0.6, 0.0], [0.0, 0.0, 1.0]])
    group, rng = field.symmetry, np.random.default_rng(0)
    images = {}
    for _ in range(400):
        # Each place is reached by two starts.
        for start in (near, 0.8 * near):
            moved = np.asarray(group.act(group.random_element(rng), start))
            images[moved.tobytes()] = moved
    ends = settle(field, np.stack(list(images.values())), max_steps=2_000)
    assert len(images) == 18 and ends.counts == {"settled": 18}
    point = ends.catalog[int(ends.point[0])]
    assert (point.kind, point.isotropy_order, point.orbit_size) == ("saddle", 4, 9)
    pairs = pairs_of(ends.point, ends.image, places(ends.state))
    assert len(pairs) == 9 and is_bijection(pairs)


def test_images_of_saddles_on_mirror_lines_of_a_map():
    """Cells on the axes flow to saddles that mirrors fix, the centre to what all of them fix."""
    field, window = zoo.double_wells(2), (-2.5, 2.5)
    basins = basin_map(field, x=window, y=window, resolution=5)
    x, y = np.meshgrid(np.sign(basins.u1), np.sign(basins.u2))
    pairs = pairs_of(
        basins.label.values.ravel(), basins.image.values.ravel(), (3 * x + y).astype(int).ravel()
    )
    assert len(pairs) == 9 and is_bijection(pairs)
    kinds = [point["kind"] for point in json.loads(basins.attrs["points"])]
    assert sorted(kinds) == ["global minimum", "maximum", "saddle"]
