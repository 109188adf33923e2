"""The plane of a map: geometry, which lives with the fields."""

from ..fields import Plane as Plane
