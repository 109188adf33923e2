"""Slow, plain implementations to check the library against."""
