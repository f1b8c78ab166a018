"""Go on in pandas, NetworkX or PyG: pip install 'crossgraph[convert]'.

Reads RESULT and merged.nq, which 1_align.py and 3_merge.py made.
"""

from crossgraph import Aligner, merged_graph, pair_to_hetero, to_networkx, to_pandas

aligner = Aligner("RESULT")

# Polars needs no conversion, and pandas takes the same columns.
frame = to_pandas(aligner.matches)
print(frame["probability"].describe())

# The merged graph: who is tied to most?
network = to_networkx(merged_graph("merged.nq"))
node, degree = max(network.degree, key=lambda pair: pair[1])
print(f"{len(network)} nodes, {network.number_of_edges()} edges; {node} has {degree}:")
print(network.nodes[node]["facts"])

# Both graphs with the matches between them, for a network of your own; its features are yours to choose.
data = pair_to_hetero(aligner.graphs, aligner.matches)
print(data)
