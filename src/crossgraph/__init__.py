"""Combine two knowledge graphs: decide which entities are the same, say why, and merge.

One object goes the whole way, here on two small tables and a few known links in ``folder``:

    >>> from crossgraph import Aligner, merged_graph, read_graph, to_networkx
    >>> len(read_graph(folder / "left.csv")), len(read_graph(folder / "right.csv"))
    (12, 12)
    >>> aligner = Aligner(folder / "RESULT")  # made by .fit("left.csv", "right.csv", links="known.tsv")
    >>> sorted(file.name for file in aligner.folder.iterdir())
    ['config.toml', 'matches.sssom.tsv', 'model', 'reliability.svg', 'report.json', 'scores.parquet']
    >>> aligner.matches.columns
    ['left', 'right', 'probability']
    >>> aligner.evaluate(folder / "gold.tsv").overall.hits1
    1.0
    >>> aligner.explain("l1", "r1").explanation.verdict.same
    True
    >>> report = aligner.merge(folder / "merged.nq")
    >>> len(to_networkx(merged_graph(folder / "merged.nq")))
    12

The same is there as plain functions on files (``align``, ``explain``, ``merge_result``), and each stage can
be called alone; what crosses them is ``KnowledgeGraph``, ``Candidates``, ``Matches``:

    read_pair -> describe -> prepare (maps the schemas, blocks) -> fit -> score -> assign -> evaluate_result

Everything here is loaded when it is first used, so that ``import crossgraph`` costs nothing. What is not
named here is reached by its module, such as ``crossgraph.blocking.candidates``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossgraph.aligner import Aligner
    from crossgraph.blocking.combine import block
    from crossgraph.config import Config, load_config
    from crossgraph.conversions import (
        merged_graph,
        pair_to_hetero,
        pair_to_networkx,
        to_hetero,
        to_networkx,
        to_pandas,
    )
    from crossgraph.errors import CrossgraphError
    from crossgraph.evaluation import evaluate_result
    from crossgraph.explaining.answer import explain
    from crossgraph.exporting.files import export_graph, export_matches
    from crossgraph.features.description import describe
    from crossgraph.graphs.graph import KnowledgeGraph
    from crossgraph.graphs.links import Links, read_links
    from crossgraph.graphs.readers import ReadOptions, read_graph, read_pair
    from crossgraph.inputs import Inputs
    from crossgraph.many.align import ManyInputs, align_many
    from crossgraph.matches import Matches
    from crossgraph.merging.dataset import read_merged
    from crossgraph.merging.files import MergeInputs, merge_result
    from crossgraph.merging.options import MergeOptions
    from crossgraph.merging.unmerging import unmerge
    from crossgraph.pipeline import align, score_pairs, train_pairs
    from crossgraph.proposing import prepare
    from crossgraph.relearning import learn
    from crossgraph.updating.update import ChangeFiles, update

__version__ = "0.1.0"

__all__ = [
    "Aligner",
    "ChangeFiles",
    "Config",
    "CrossgraphError",
    "Inputs",
    "KnowledgeGraph",
    "Links",
    "ManyInputs",
    "Matches",
    "MergeInputs",
    "MergeOptions",
    "ReadOptions",
    "align",
    "align_many",
    "block",
    "describe",
    "evaluate_result",
    "explain",
    "export_graph",
    "export_matches",
    "learn",
    "load_config",
    "merge_result",
    "merged_graph",
    "pair_to_hetero",
    "pair_to_networkx",
    "prepare",
    "read_graph",
    "read_links",
    "read_merged",
    "read_pair",
    "score_pairs",
    "to_hetero",
    "to_networkx",
    "to_pandas",
    "train_pairs",
    "unmerge",
    "update",
]

_HOMES = {
    "Aligner": "aligner",
    "ChangeFiles": "updating.update",
    "Config": "config",
    "CrossgraphError": "errors",
    "Inputs": "inputs",
    "KnowledgeGraph": "graphs.graph",
    "Links": "graphs.links",
    "ManyInputs": "many.align",
    "Matches": "matches",
    "MergeInputs": "merging.files",
    "MergeOptions": "merging.options",
    "ReadOptions": "graphs.readers",
    "align": "pipeline",
    "align_many": "many.align",
    "block": "blocking.combine",
    "describe": "features.description",
    "evaluate_result": "evaluation",
    "explain": "explaining.answer",
    "export_graph": "exporting.files",
    "export_matches": "exporting.files",
    "learn": "relearning",
    "load_config": "config",
    "merge_result": "merging.files",
    "merged_graph": "conversions",
    "pair_to_hetero": "conversions",
    "pair_to_networkx": "conversions",
    "prepare": "proposing",
    "read_graph": "graphs.readers",
    "read_links": "graphs.links",
    "read_merged": "merging.dataset",
    "read_pair": "graphs.readers",
    "score_pairs": "pipeline",
    "to_hetero": "conversions",
    "to_networkx": "conversions",
    "to_pandas": "conversions",
    "train_pairs": "pipeline",
    "unmerge": "merging.unmerging",
    "update": "updating.update",
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
