"""Rival methods, each a function from a problem to its answer; written from the papers."""
