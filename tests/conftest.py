from __future__ import annotations

from hypothesis import settings

settings.register_profile("crossgraph", deadline=None, max_examples=50)
settings.load_profile("crossgraph")
