"""What a run learns from: the labels that follow from links, seeds and settings."""

from __future__ import annotations

import numpy as np

from crossgraph.blocking.candidates import PairTypes
from crossgraph.cardinality import Cardinality, observed_cardinalities, single
from crossgraph.config import Config
from crossgraph.errors import InputError
from crossgraph.graphs.content import content_keys
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.labels import Labels, label_links, label_pairs, teaching_seeds
from crossgraph.preparation import Known, Preparation, nameless
from crossgraph.schema.seeds import type_codes


def labels_of(preparation: Preparation, known: Known, *, verb: str, config: Config) -> Labels:
    """The labels that a RESULT of ``verb`` learned from, from what it knew."""
    if verb != "train":
        return labels_for(preparation, known, config)
    pairs = known.pairs
    same = np.arange(len(pairs)) < len(known.same)
    keys = content_keys(preparation.graphs[0])
    return label_pairs(
        preparation.candidates, (pairs.left, pairs.right), same, seed=config.run.seed, keys=keys
    )


def labels_for(preparation: Preparation, known: Known, config: Config) -> Labels:
    """Labels from known links, and for the types that have few or none from believed pairs.

    Raises InputError where there are neither.
    """
    labels = labels_found(preparation, known, config)
    if not labels.same.any():
        raise InputError(
            "there is nothing to learn from: no known link is given, and no pair is sure enough by itself",
            hint="give some known links with --links, or a trained model with --model",
        )
    return labels


def labels_found(preparation: Preparation, known: Known, config: Config) -> Labels:
    """The same, perhaps none."""
    left, candidates, seed = preparation.graphs[0], preparation.candidates, config.run.seed
    keys = content_keys(left), content_keys(preparation.graphs[1])
    # Seeds that have names would teach that names must be equal, where known links tell better.
    seeds = teaching_seeds(
        preparation.teaching,
        known.same,
        type_codes(left)[1],
        seed=seed,
        keys=keys,
        beside=nameless(candidates),
    )
    alone = single(cardinalities_of(left, known, config), PairTypes.of(candidates, left))
    links = known.same, known.different
    unseen = preparation.unseen
    return label_links(candidates, links, seeds, seed=seed, keys=keys, alone=alone, unseen=unseen)


def cardinalities_of(left: KnowledgeGraph, known: Known, config: Config) -> dict[str, Cardinality]:
    """How many partners entities of each type may have: as the settings say, or as the known links show."""
    observed = observed_cardinalities(known.same, type_codes(left))
    return config.decisions.cardinalities(observed)
