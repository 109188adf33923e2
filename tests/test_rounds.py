"""The compiled rounds: no lane is lost, and none depends on the others."""

import diffrax as dfx
import jax.numpy as jnp
import numpy as np
import pytest

from flowlab import Outcome, VectorField
from flowlab.fields import theorem7_plane
from flowlab.flow._lanes import LIVE, RESTING, Packed
from flowlab.flow._method import Method
from flowlab.flow._pool import SHARE, batch_sizes
from flowlab.flow._rounds import LONGEST, advance

DECAY = VectorField(lambda w: -w * jnp.array([1.0, 3.0]), (2,))
PLANE = theorem7_plane(5)
METHOD = Method(dfx.Dopri8(), 1e-8, 1e-10)
STARTS = np.random.default_rng(0).uniform(0.05, 1, (300, 2))


def run(field, starts, width, *, room=320, max_steps=10**6, quota=1):
    """Rounds of all starts; lanes that mean something, and how many got a place."""
    waiting = Packed.fresh(starts, np.full(len(starts), 1e4), 0.0)
    waiting = waiting.some(np.arange(len(starts)), room)
    filed, count, given = advance(
        field, METHOD, waiting, None,
        np.int32(len(starts)), np.int32(max_steps), np.int32(quota), width,
    )  # fmt: skip
    assert filed.width == room + width
    known = Packed(*(None if x is None else np.asarray(x)[..., : int(count)] for x in filed))
    return known.lanes, int(given)


def in_order(lanes):
    order = np.argsort(lanes.number)
    return type(lanes)(*(None if x is None else x[..., order] for x in lanes))


@pytest.mark.parametrize("width", [64, 256])
def test_every_lane_comes_back_once(width):
    lanes, given = run(DECAY, STARTS, width)
    assert given == len(STARTS)
    assert sorted(lanes.number) == list(range(len(STARTS)))
    assert set(lanes.status) == {RESTING}
    np.testing.assert_allclose(lanes.w, 0, atol=1e-6)


@pytest.mark.parametrize("field", [DECAY, PLANE], ids=["decay", "plane"])
def test_lanes_do_not_depend_on_the_width_of_the_batch(field):
    """To the bit: a lane is a function of its own state."""
    narrow, wide = (in_order(run(field, STARTS, width)[0]) for width in (64, 256))
    for name in ("w", "dt", "time", "rest", "steps", "status"):
        np.testing.assert_array_equal(getattr(narrow, name), getattr(wide, name), err_msg=name)


def test_steps_follow_the_exact_solution():
    """exp(-t), exp(-3t), at whatever time the budget ends."""
    lanes = in_order(run(DECAY, STARTS, 64, max_steps=7)[0])
    assert set(lanes.status) == {Outcome.exhausted} and set(lanes.steps) == {7}
    exact = STARTS.T * np.exp(-lanes.time * np.array([[1.0], [3.0]]))
    np.testing.assert_allclose(lanes.w, exact, rtol=0, atol=1e-7)
    assert lanes.time.min() > 0.05


def test_a_round_stops_at_the_quota_and_keeps_those_still_live():
    lanes, given = run(DECAY, STARTS, 64, quota=40)
    live = lanes.status == LIVE
    assert given == len(STARTS) and 0 < live.sum() < 40
    assert len(lanes.number) == len(STARTS) == len(set(lanes.number))
    # Those that ended are in front.
    assert np.all(np.diff(live.astype(int)) >= 0)


def test_a_round_is_left_now_and_then():
    """Ends that never come must not keep the host, and the waiting, for ever."""
    still = VectorField(lambda w: jnp.array([-w[1], w[0]]), (2,))
    lanes, given = run(still, STARTS, 64)
    assert given == 64 and set(lanes.status) == {LIVE} and set(lanes.steps) == {LONGEST}
    # A circle is a circle.
    radius = np.linalg.norm(STARTS[:64], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(in_order(lanes).w, axis=0), radius, rtol=1e-5)


def test_packing_keeps_everything():
    paths = Packed.fresh(STARTS, np.arange(300.0), 0.25)
    some = paths.some(np.array([7, 3]), 4)
    assert list(some.lanes.number) == [7, 3, 3, 3] and list(some.lanes.escape) == [7, 3, 3, 3]
    some.lanes.w[:] = 5.0
    some.lanes.steps[:] = 9
    paths.put(Packed(*(None if x is None else x[..., :2] for x in some)))
    changed = np.flatnonzero(paths.lanes.steps)
    assert list(changed) == [3, 7] and np.all(paths.lanes.w[:, changed] == 5.0)
    np.testing.assert_array_equal(
        np.delete(paths.lanes.w, changed, 1), np.delete(STARTS, changed, 0).T
    )
    assert set(paths.lanes.gate) == {0.25}


@pytest.mark.parametrize("size", [1, 2, 36, 144, 10_000])
def test_batches_fit_the_cache(size):
    (narrow, wide), (only, same) = batch_sizes(size, 10**6), batch_sizes(size, 10)
    assert 8 <= narrow <= wide // 4 and 64 <= wide <= 1024 and SHARE > 1
    assert wide == 64 or wide * size <= 8192
    assert same == wide and (only == wide or size <= 8)
