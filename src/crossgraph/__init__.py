"""Combine two knowledge graphs: decide which entities are the same, say why, and merge."""

__version__ = "0.1.0"
