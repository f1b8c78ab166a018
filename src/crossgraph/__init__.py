"""Combine two knowledge graphs: decide which entities are the same, say why, and merge.

The whole path is one call; ``folder`` holds two small tables and a few known links:

    >>> from crossgraph import Config, Inputs, align, evaluate_result, read_graph, read_links
    >>> len(read_graph(folder / "left.csv")), len(read_graph(folder / "right.csv"))
    (12, 12)
    >>> inputs = Inputs(left=folder / "left.csv", right=folder / "right.csv", links=(folder / "known.tsv",))
    >>> outcome = align(inputs, folder / "RESULT", config=Config())
    >>> sorted(file.name for file in outcome.path.iterdir())
    ['config.toml', 'matches.sssom.tsv', 'model', 'report.json', 'scores.parquet']
    >>> from crossgraph.results import read_matches, read_scores
    >>> scores, matches = (outcome.path / name for name in ("scores.parquet", "matches.sssom.tsv"))
    >>> gold = read_links(folder / "gold.tsv")
    >>> evaluate_result(read_scores(scores), read_matches(matches), gold=gold).overall.hits1
    1.0

Each stage can be called alone too; what crosses them is ``KnowledgeGraph``, ``Candidates``, ``Matches``:

    read_pair -> describe -> prepare (maps the schemas, blocks) -> fit -> score -> assign -> evaluate_result

Everything here is loaded when it is first used, so that ``import crossgraph`` costs nothing. What is not
named here is reached by its module, such as ``crossgraph.blocking.candidates``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossgraph.blocking.combine import block
    from crossgraph.config import Config
    from crossgraph.errors import CrossgraphError
    from crossgraph.evaluation import evaluate_result
    from crossgraph.features.description import describe
    from crossgraph.graphs.graph import KnowledgeGraph
    from crossgraph.graphs.links import Links, read_links
    from crossgraph.graphs.readers import read_graph, read_pair
    from crossgraph.inputs import Inputs
    from crossgraph.matches import Matches
    from crossgraph.pipeline import align, score_pairs, train_pairs
    from crossgraph.preparation import prepare

__version__ = "0.1.0"

__all__ = [
    "Config",
    "CrossgraphError",
    "Inputs",
    "KnowledgeGraph",
    "Links",
    "Matches",
    "align",
    "block",
    "describe",
    "evaluate_result",
    "prepare",
    "read_graph",
    "read_links",
    "read_pair",
    "score_pairs",
    "train_pairs",
]

_HOMES = {
    "Config": "config",
    "CrossgraphError": "errors",
    "Inputs": "inputs",
    "KnowledgeGraph": "graphs.graph",
    "Links": "graphs.links",
    "Matches": "matches",
    "align": "pipeline",
    "block": "blocking.combine",
    "describe": "features.description",
    "evaluate_result": "evaluation",
    "prepare": "preparation",
    "read_graph": "graphs.readers",
    "read_links": "graphs.links",
    "read_pair": "graphs.readers",
    "score_pairs": "pipeline",
    "train_pairs": "pipeline",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
