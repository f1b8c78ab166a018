"""Results and graphs as other libraries hold them: pandas, NetworkX, PyG, each imported late.

Polars needs no conversion: matches, scores and the tables of a graph are Polars tables.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from crossgraph._types import AnyArray, Int64
from crossgraph.errors import require_extra
from crossgraph.exporting.tables import view_of
from crossgraph.graphs.graph import UNTYPED, KnowledgeGraph
from crossgraph.merging.dataset import read_merged

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from torch_geometric.data import HeteroData

    Network: TypeAlias = nx.MultiDiGraph

EXTRA = "convert"
SAME = "same"


def to_pandas(table: pl.DataFrame) -> pd.DataFrame:
    """A table of matches or scores as pandas, row by row.

        >>> matches = pl.DataFrame({"left": ["m1"], "right": ["q7"], "probability": [0.98]})
        >>> to_pandas(matches).loc[0, "right"]
        'q7'

    Raises MissingExtraError without pandas.
    """
    require_extra(EXTRA, "pandas")
    import pandas as pd

    return pd.DataFrame({column.name: column.to_numpy() for column in table})


def merged_graph(path: Path | str) -> KnowledgeGraph:
    """The merged graph in a file that ``merge`` wrote, without the inputs that lie beside it.

    Raises as ``read_merged``.
    """
    return KnowledgeGraph.from_tables(view_of(read_merged(Path(path))).tables)


def to_networkx(graph: KnowledgeGraph) -> Network:
    """A graph with a node for each identifier and an edge for each statement between two.

    Nodes have ``types`` and ``facts``: a list of types, and from attributes to lists of values. The key of
    an edge is its relation.

        >>> from crossgraph.graphs import GraphTables
        >>> rows = pl.DataFrame({"head": ["heat"], "relation": ["directed_by"], "tail": ["mann"]})
        >>> heat = GraphTables(GraphTables.empty_types(), rows, GraphTables.empty_facts())
        >>> list(to_networkx(KnowledgeGraph.from_tables(heat)).edges(keys=True))
        [('heat', 'mann', 'directed_by')]

    Raises MissingExtraError without NetworkX.
    """
    require_extra(EXTRA, "networkx")
    import networkx as nx

    network: Network = nx.MultiDiGraph()
    _add(network, graph, graph.ids.to_list())
    return network


def pair_to_networkx(graphs: tuple[KnowledgeGraph, KnowledgeGraph], matches: pl.DataFrame) -> Network:
    """Both graphs in one, their nodes ``("left", identifier)`` and ``("right", identifier)``.

    From left to right runs an edge ``same`` for each match, with its ``probability``.

    matches (P)   left, right, and perhaps probability
    raises        MissingExtraError without NetworkX
    """
    require_extra(EXTRA, "networkx")
    import networkx as nx

    network: Network = nx.MultiDiGraph()
    for side, graph in zip(("left", "right"), graphs, strict=True):
        _add(network, graph, [(side, identifier) for identifier in graph.ids])
    for row in matches.iter_rows(named=True):
        told = {"probability": row["probability"]} if "probability" in row else {}
        network.add_edge(("left", row["left"]), ("right", row["right"]), key=SAME, **told)
    return network


def _add(network: Network, graph: KnowledgeGraph, nodes: list[Hashable]) -> None:
    network.add_nodes_from((node, {"types": [], "facts": {}}) for node in nodes)
    for entity, code in graph.typed.tolist():
        network.nodes[nodes[entity]]["types"].append(graph.type_names[code])
    facts = zip(graph.fact_entities.tolist(), graph.fact_attributes.tolist(), graph.fact_values, strict=True)
    for entity, code, value in facts:
        network.nodes[nodes[entity]]["facts"].setdefault(graph.attribute_names[code], []).append(value)
    edges = zip(graph.heads.tolist(), graph.relations.tolist(), graph.tails.tolist(), strict=True)
    network.add_edges_from(
        (nodes[head], nodes[tail], graph.relation_names[code]) for head, code, tail in edges
    )


def to_hetero(graph: KnowledgeGraph) -> HeteroData:
    """A graph for PyG: a node type for each primary type, an edge type for each relation between two.

    Each node type has ``num_nodes`` and ``ids``, the identifiers in the order of its nodes; entities without
    a type are of the type ``entity``. There is no ``x``: which features fit is the caller's to choose.

    Raises MissingExtraError without torch-geometric.
    """
    data = _empty()
    _fill(data, graph, "")
    return data


def pair_to_hetero(graphs: tuple[KnowledgeGraph, KnowledgeGraph], matches: pl.DataFrame) -> HeteroData:
    """Both graphs for PyG, with node types ``left:...`` and ``right:...``; see ``to_hetero``.

    Matches are edges ``same`` between node types, with ``probability`` (float32) where they have one.

    matches (P)   left, right, and perhaps probability; pairs of entities that are in no graph are left out
    raises        MissingExtraError without torch-geometric
    """
    import torch

    data = _empty()
    left, right = (
        _fill(data, graph, f"{side}:") for graph, side in zip(graphs, ("left", "right"), strict=True)
    )
    ends = np.stack([graphs[0].positions(matches["left"]), graphs[1].positions(matches["right"])])
    there = (ends >= 0).all(axis=0)
    ends, told = ends[:, there], matches.filter(pl.Series(there))
    for names, rows in _groups(left.names[ends[0]], right.names[ends[1]]):
        store = data[names[0], SAME, names[1]]
        store.edge_index = torch.from_numpy(np.stack([left.rows[ends[0, rows]], right.rows[ends[1, rows]]]))
        if "probability" in matches.columns:
            store.probability = torch.from_numpy(told["probability"].to_numpy()[rows].astype(np.float32))
    return data


class _Placed:
    """Where each entity of a graph is in the data: names (E) of its node type, rows (E) among its nodes."""

    def __init__(self, graph: KnowledgeGraph, prefix: str) -> None:
        known = np.array([f"{prefix}{name}" for name in (*graph.type_names, UNTYPED)], dtype=object)
        self.names: AnyArray = known[graph.primary_types]
        self.rows: Int64 = np.empty(len(graph), dtype=np.int64)
        for (_,), members in _groups(self.names):
            self.rows[members] = np.arange(len(members))


def _empty() -> HeteroData:
    require_extra(EXTRA, "torch_geometric")
    with warnings.catch_warnings():
        # PyTorch Geometric still compiles a class of its own by torch.jit when it is imported.
        warnings.filterwarnings("ignore", r"`torch\.jit\.script` is deprecated", DeprecationWarning)
        from torch_geometric.data import HeteroData

    return HeteroData()


def _fill(data: HeteroData, graph: KnowledgeGraph, prefix: str) -> _Placed:
    import torch

    placed = _Placed(graph, prefix)
    for (name,), members in _groups(placed.names):
        data[name].num_nodes = len(members)
        data[name].ids = graph.ids.gather(members).to_list()
    relations = np.array(graph.relation_names, dtype=object)[graph.relations]
    for names, rows in _groups(placed.names[graph.heads], relations, placed.names[graph.tails]):
        ends = placed.rows[graph.heads[rows]], placed.rows[graph.tails[rows]]
        data[names].edge_index = torch.from_numpy(np.stack(ends))
    return placed


def _groups(*columns: AnyArray) -> Iterator[tuple[tuple[str, ...], Int64]]:
    """The distinct rows of columns of names, sorted, each with the places (K) where it stands."""
    table = pl.DataFrame({f"{at}": list(column) for at, column in enumerate(columns)})
    ordered = table.with_row_index("place").sort(*table.columns, "place")
    for names, rows in ordered.group_by(table.columns, maintain_order=True):
        yield tuple(map(str, names)), rows["place"].cast(pl.Int64).to_numpy()
