"""``python -m crossgraph``."""

from crossgraph.cli import main

main()
