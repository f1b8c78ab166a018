"""Read and hold knowledge graphs."""

from crossgraph.graphs.graph import GraphTables, KnowledgeGraph
from crossgraph.graphs.readers import ReadOptions, read_graph, read_pair
from crossgraph.graphs.tabular import TableOptions

__all__ = ["GraphTables", "KnowledgeGraph", "ReadOptions", "TableOptions", "read_graph", "read_pair"]
