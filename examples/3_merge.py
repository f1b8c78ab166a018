"""Make one graph out of two, ask it in SPARQL where its statements come from, and take it apart again.

Reads RESULT, which 1_align.py made.
"""

import shutil
from pathlib import Path

from pyoxigraph import RdfFormat, Store

from crossgraph import Aligner, MergeOptions, read_merged, unmerge

aligner = Aligner("RESULT")
report = aligner.merge("merged.nq", options=MergeOptions(policy="longest", provenance="graphs"))
for name, value in report.rows():
    print(f"{name:>24}  {value}")

# Each graph of the file tells which input its statements come from.
store = Store()
store.bulk_load(path="merged.nq", format=RdfFormat.N_QUADS)
for source, count in store.query(
    """
    PREFIX merged: <https://crossgraph.invalid/graph/merged/>
    SELECT ?graph (COUNT(*) AS ?statements)
    WHERE { VALUES ?graph { merged:left merged:right merged:both } GRAPH ?graph { ?s ?p ?o } }
    GROUP BY ?graph ORDER BY ?graph
    """
):
    print(source.value, count.value)

# Both inputs come back exactly.
shutil.rmtree("parts", ignore_errors=True)
left, right = unmerge(read_merged(Path("merged.nq")), Path("parts"))
print(f"the left graph is in {left}, the right one in {right}")
