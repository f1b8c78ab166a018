"""One model out of several pairs of graphs: what one pair teaches, the others are scored with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossgraph._types import Bool, Float32, Float64, Int64
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.cardinality import Cardinality, single
from crossgraph.checkpoint import TrainedModel
from crossgraph.comparing import believed_evidence
from crossgraph.config import Config
from crossgraph.contest import Contest
from crossgraph.deciding import assignable, fit_thresholds
from crossgraph.decisions import Lone
from crossgraph.evidence.table import EvidenceTable
from crossgraph.fitting import Around, Fitted, Pool, fit_network, fit_rounds, network_tensors
from crossgraph.labels import Labels
from crossgraph.learning import opinions
from crossgraph.model.seen import Seen
from crossgraph.preparation import Known, Preparation
from crossgraph.schema.vocabulary import Vocabulary, build_vocabulary, extended
from crossgraph.scored import Scored


@dataclass(frozen=True, eq=False)
class Part:
    """What a pair of graphs adds.

    known           links of the pair
    barred          (P) candidates that a rule forbids
    cardinalities   how many partners entities of each type may have
    after           the number of an earlier part with the same left or the same right graph, through which
                    the network knows names of this pair; None for the first
    turned          the left graph of that part is the right one of this, or its right one the left one
    """

    preparation: Preparation
    evidence: EvidenceTable
    labels: Labels
    known: Known
    barred: Bool
    cardinalities: dict[str, Cardinality]
    after: int | None = None
    turned: bool = False


def fit_together(parts: Sequence[Part], *, config: Config, around: Around) -> list[Fitted]:
    """Train one network, on the labels of the first part, and one set of scorers, on those of all parts.

    The scorers read the evidence of all pairs of graphs as one table, in which columns of one name are one;
    calibration and thresholds are of all labels, too. What is returned for each part differs in the
    vocabulary of its model, in its cardinalities, and in what it scores.
    """
    vocabularies = _vocabularies(parts)
    networks, heard, vectors = fit_network(
        parts[0].preparation, parts[0].labels, vocabularies[0], config, around
    )
    said, seen = [heard], [vectors]
    for part, vocabulary in zip(parts[1:], vocabularies[1:], strict=True):
        with around.clock.stage("sample"):
            tensors = network_tensors(part.preparation, vocabulary, config)
        with around.clock.stage("score: network"):
            candidates = part.preparation.candidates
            hear, progress, see = around.engine.hear, around.progress, Seen(networks, tensors)
            said.append(
                opinions(networks, tensors, candidates, part.labels, progress=progress, hear=hear, see=see)
            )
            seen.append(see.vectors)
    stack = _Stack.of(parts)
    read = [EvidenceTable.beside([part.evidence, one]) for part, one in zip(parts, said, strict=True)]
    labels = stack.labels([part.labels for part in parts])
    types = PairTypes.stacked([_types(part) for part in parts])
    pool = Pool(stacked(read), stack.contest(labels), types.codes, stack.believed)
    rounds, scored = fit_rounds(pool, labels, config, around)
    assigned = np.concatenate(
        [_assigned(part, scored.probability[rows]) for part, rows in zip(parts, stack.rows, strict=True)]
    )
    thresholds = fit_thresholds(
        scored.probability,
        assigned,
        stack.candidates,
        labels,
        types,
        options=config.decisions,
        seed=config.run.seed,
        lone=scored.lone,
    )
    return [
        Fitted(
            TrainedModel(
                networks=networks,
                rounds=rounds,
                thresholds={name: threshold.probability for name, threshold in thresholds.items()},
                cardinalities=part.cardinalities,
                vocabulary=vocabulary,
                model=config.model,
                scorer=config.scorer,
                sampling=config.sampling,
                seed=config.run.seed,
                encoder=part.preparation.description.texts.encoder,
            ),
            _of_rows(scored, rows),
            thresholds,
            vectors,
        )
        for part, vocabulary, rows, vectors in zip(parts, vocabularies, stack.rows, seen, strict=True)
    ]


def stacked(tables: Sequence[EvidenceTable]) -> EvidenceTable:
    """The evidence of several sets of pairs, one set after the other; NaN where a set has no such column."""
    names = tuple(dict.fromkeys(name for table in tables for name in table.names))
    return EvidenceTable(names, (np.concatenate([table.arranged(names).values for table in tables]),))


def _vocabularies(parts: Sequence[Part]) -> list[Vocabulary]:
    """The slots of the first part's names, and of those that correspond to them in each other part."""
    first = parts[0].preparation
    found = [build_vocabulary(*first.graphs, first.schema)]
    for part in parts[1:]:
        assert part.after is not None  # only the first comes after none
        known = found[part.after]
        found.append(extended(known.turned() if part.turned else known, part.preparation.schema))
    return found


def _types(part: Part) -> PairTypes:
    return PairTypes.of(part.preparation.candidates, part.preparation.graphs[0])


def _assigned(part: Part, probability: Float64) -> Bool:
    return assignable(part.preparation.candidates, probability, _types(part), part.cardinalities)


def _of_rows(scored: Scored, rows: slice) -> Scored:
    return Scored(
        evidence=EvidenceTable(scored.evidence.names, tuple(block[rows] for block in scored.evidence.blocks)),
        raw=scored.raw[rows],
        score=scored.score[rows],
        probability=scored.probability[rows],
        earlier=tuple((raw[rows], score[rows]) for raw, score in scored.earlier),
        lone=replace(Lone.nobody(), share=scored.lone.share, half=scored.lone.half),
    )


@dataclass(frozen=True, eq=False)
class _Stack:
    """The candidates of all parts as one set, in which no two parts share an entity: they are no rivals.

    known   links of all parts
    rows    where the candidates of each part stand
    """

    parts: Sequence[Part]
    candidates: Candidates
    known: Known
    rows: list[slice]

    @staticmethod
    def of(parts: Sequence[Part]) -> _Stack:
        moved, rows, known = [], [], Known.nothing()
        left = right = at = 0
        for part in parts:
            own, graphs = part.preparation.candidates, part.preparation.graphs
            moved.append(replace(own, left=own.left + np.int32(left), right=own.right + np.int32(right)))
            rows.append(slice(at, at + len(own)))
            known = Known(
                known.same.and_also(part.known.same.moved(left, right)),
                known.different.and_also(part.known.different.moved(left, right)),
            )
            left, right, at = left + len(graphs[0]), right + len(graphs[1]), at + len(own)
        return _Stack(parts, Candidates.stacked(moved), known, rows)

    def contest(self, labels: Labels) -> Contest:
        """The contests of all parts, which have no entity in common."""
        alone = [single(part.cardinalities, _types(part)) for part in self.parts]
        return Contest(
            candidates=self.candidates,
            known=self.known,
            alone=(np.concatenate([one[0] for one in alone]), np.concatenate([one[1] for one in alone])),
            barred=np.concatenate([part.barred for part in self.parts]),
            folds=labels.fold_of_each(len(self.candidates)),
        )

    def labels(self, parts: Sequence[Labels]) -> Labels:
        """All labels; of each part those judge that judge it alone, links if it has enough."""

        def together(name: str) -> list[Int64 | Bool | Float32]:
            return [getattr(one, name) for one in parts]

        return Labels(
            places=np.concatenate(
                [one.places + rows.start for one, rows in zip(parts, self.rows, strict=True)]
            ),
            same=np.concatenate(together("same")),
            weight=np.concatenate(together("weight")),
            folds=np.concatenate(together("folds")),
            known=np.concatenate(together("known")),
            judging=np.concatenate(together("judging")),
            typical=np.concatenate(together("typical")),
            found=np.concatenate(together("found")),
            matches=sum(one.matches for one in parts),
        )

    def believed(self, probability: Float64) -> EvidenceTable:
        """``believed_evidence`` of each part."""
        parts = zip(self.parts, self.rows, strict=True)
        return stacked([believed_evidence(one.preparation, probability[rows]) for one, rows in parts])
