"""More than two graphs: one model for all pairs of them, and clusters that agree with each other."""
