"""Matches and merged graphs in the forms that other tools read."""
