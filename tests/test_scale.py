"""Distributed jobs: the same labels as one job, however the starts are cut."""

import jax.numpy as jnp
import numpy as np
import pytest

import flowlab as fl

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None
    ) as client:
        yield client


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_labels_do_not_depend_on_the_chunks(client):
    plane = fl.theorem7_plane(2)
    starts = np.random.default_rng(0).uniform(size=(30, 2))
    starts[7] = 0.4, 0.4
    whole = fl.settle(plane, starts)
    parts = fl.scale.settle_distributed(client, plane, starts, chunk=7)
    assert parts.counts == whole.counts == {"settled": 30}
    np.testing.assert_allclose(parts.state, whole.state, rtol=0, atol=1e-12)
    assert sorted(parts.hits().values()) == sorted(whole.hits().values()) == [1, 29]
    for ensemble in (parts, whole):
        for i in range(30):
            point = ensemble.catalog[int(ensemble.point[i])].location
            image = ensemble.images[ensemble.image[i]]
            moved = plane.symmetry.act(image, point)
            np.testing.assert_allclose(moved, ensemble.state[i], rtol=0, atol=1e-10)


def test_a_field_that_no_description_rebuilds_is_refused(client):
    own = fl.VectorField(lambda w: -w, shape=(2,))
    with pytest.raises(ValueError, match="function"):
        fl.scale.settle_distributed(client, own, jnp.ones((3, 2)))
