"""Learn from a few known links which entities of two graphs are the same, and judge it by the others.

The graphs come with crossgraph: countries, languages, currencies and cities, from GeoNames in English and
from Unicode CLDR in Russian. Settings may follow, as with --set:

    python examples/1_align.py training.steps=60
"""

import sys

import polars as pl

from crossgraph import Aligner, load_config, read_links
from crossgraph.demo import demo_folder
from crossgraph.graphs.links import split_links

# One third of the known links to learn from; no entity of these is in the other two thirds.
links = read_links(demo_folder() / "ent_links.gz")
known, test = split_links(links, (1 / 3, 2 / 3), seed=0)
pl.DataFrame({"left": known.left, "right": known.right}).write_csv("known.csv")

aligner = Aligner("RESULT", config=load_config(None, sys.argv[1:]))
aligner.fit(demo_folder(), links="known.csv", force=True)

print(aligner.matches.head())
figures = aligner.evaluate(test).overall
print(f"precision {figures.precision:.3f}, recall {figures.recall:.3f}, hits@1 {figures.hits1:.3f}")
