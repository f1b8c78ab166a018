"""The forest with what only we give our own scorer: its lead over the rivals of both entities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from baselines.magellan import magellan
from crossgraph.benchmarking.problem import Answer, Problem
from crossgraph.calibration import calibrate, rival_leads


def magellan_with_rivals(problem: Problem) -> Answer:
    """Magellan's forest; then a logistic of its score and of its lead over rivals, fitted on the valid pairs.

    No method of the paper does so. It tells how much of our own figures is owed to the rivals alone.
    """
    answer = magellan(problem)
    asked = problem.candidates.take(problem.asked)
    pairs = asked.left, asked.right
    share = np.clip(answer.score, 1e-3, 1.0 - 1e-3)
    raw = np.log(share / (1.0 - share)).astype(np.float32)
    valid = ~problem.judged
    fitted = calibrate(
        raw[valid], rival_leads(raw, pairs)[valid], problem.same[valid], np.ones(int(valid.sum()), np.float32)
    )
    return replace(answer, score=fitted.scores(raw, pairs))
