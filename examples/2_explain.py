"""Why are two entities the same? What would turn that, and why not another one?

Reads RESULT, which 1_align.py made.
"""

import polars as pl

from crossgraph import Aligner
from crossgraph.explaining.page import page
from crossgraph.explaining.wording import told
from crossgraph.results import write_whole

aligner = Aligner("RESULT")

# The first match for which there is another candidate.
scores = aligner.scores
for left, right in aligner.matches.select("left", "right").iter_rows():
    others = scores.filter(pl.col("right") != right, left=left)
    if len(others):
        break

answer = aligner.explain(left, right, instead=others["right"][0])
explanation = answer.explanation
print(f"{explanation.left.name} = {explanation.right.name}, probability {explanation.probability:.3f}")

# Log-odds: the rest and all shares sum to the score.
print(f"{explanation.rest:+7.2f}  start")
for reason in explanation.reasons:
    print(f"{reason.share:+7.2f}  {told(reason.clue)}")
print(f"{explanation.score:+7.2f}  score")

print("Beside the other candidate:")
for row in answer.contrast.differences[:5]:
    print(f"{row.difference:+7.2f}  {row.by} {row.shown}")

# The same as one page with pictures.
html = page(answer)
write_whole("why.html", lambda part: part.write_text(html, encoding="utf8"))
