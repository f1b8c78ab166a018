"""Trained networks on arrays: few pairs are scored in less time than it takes to load torch."""
