"""Which candidates are called the same: what is known and ruled out, assignment, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossgraph._types import Bool, Float64, Int32, Int64
from crossgraph.assignment import one_to_one
from crossgraph.blocking.candidates import Candidates, PairTypes
from crossgraph.blocking.ranking import ranks
from crossgraph.cardinality import ANY_TYPE, Cardinality, single
from crossgraph.decisions import DecisionOptions, HeldOut, Lone, Threshold, thresholds_by_type
from crossgraph.errors import ConfigError
from crossgraph.features.description import AttributeColumn, Description, column_of, value_pairs
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.sorting import among, marked
from crossgraph.labels import Labels
from crossgraph.preparation import Graphs, Known, Preparation
from crossgraph.schema.mapping import SchemaMapping
from crossgraph.schema.seeds import EntityPairs, type_codes


@dataclass(frozen=True, eq=False)
class Rules:
    """What decides beside the probability; every mapping has the type of the left entity, ``*`` for others.

    thresholds      least probability of a match
    cardinalities   how many partners an entity may have
    """

    thresholds: Mapping[str, float]
    cardinalities: Mapping[str, Cardinality]


def decide(candidates: Candidates, probability: Float64, types: PairTypes, rules: Rules) -> Bool:
    """(P) which candidates are called the same: assigned as their type allows, and sure enough for it.

    Types of which both sides have one partner share one assignment. Where one side has one partner, each of
    its entities takes the likeliest; where none has, all are taken.
    """
    left, right = single(rules.cardinalities, types)
    chosen = np.ones(len(candidates), dtype=bool)
    both = left & right
    chosen[both] = one_to_one(candidates.left[both], candidates.right[both], probability[both])
    for ends, only in ((candidates.left, left & ~right), (candidates.right, right & ~left)):
        chosen[only] = ranks(ends[only], probability[only]) == 0
    least = types.told(rules.thresholds, rules.thresholds.get(ANY_TYPE, 0.5))
    return chosen & (probability >= least) & (probability > 0)


def contradicts(candidates: Candidates, known: Known, alone: tuple[Bool, Bool]) -> Bool:
    """(P) candidates that what is known rules out: known non-matches, and rivals of known links.

    alone   (P) whether either entity of each candidate has at most one partner, see ``cardinality.single``
    """
    linked = among(candidates.left, known.same.left) & alone[0]
    linked |= among(candidates.right, known.same.right) & alone[1]
    linked[_places(candidates, known.same)] = False
    linked[_places(candidates, known.different)] = True
    return linked


def keep_known(candidates: Candidates, matched: Bool, known: Known) -> Bool:
    """(P) the decisions, with what is known in its place: links are matches, known non-matches are none."""
    kept = matched.copy()
    kept[_places(candidates, known.same)] = True
    kept[_places(candidates, known.different)] = False
    return kept


def called_same(
    candidates: Candidates, probability: Float64, types: PairTypes, rules: Rules, known: Known, barred: Bool
) -> Bool:
    """(P) which candidates are called the same by all that counts: probability, rules and what is known.

    barred (P)   those that a rule forbids, see ``forbidden``
    """
    barred = barred | contradicts(candidates, known, single(rules.cardinalities, types))
    worth = np.where(barred, 0.0, probability)
    return keep_known(candidates, decide(candidates, worth, types, rules), known)


def assignable(
    candidates: Candidates, probability: Float64, types: PairTypes, cardinalities: Mapping[str, Cardinality]
) -> Bool:
    """(P) which candidates are the same if they are sure enough."""
    return decide(candidates, probability, types, Rules({ANY_TYPE: 0.0}, cardinalities))


def fit_thresholds(
    probability: Float64,
    assigned: Bool,
    candidates: Candidates,
    labels: Labels,
    types: PairTypes,
    *,
    options: DecisionOptions,
    seed: int,
    lone: Lone,
) -> dict[str, Threshold]:
    """Choose the least probability of each type on pairs whose labels were held out.

    Known pairs decide; seeds only where too few are known. Whom entities without a counterpart would be taken
    for counts against a threshold as often as there are such entities.

    assigned (P)   as ``assignable`` says
    """
    trusted = labels.trusted()
    lone = lone.take(np.isin(lone.places, trusted.places))
    kinds_of_lone = types.at(lone.places)
    kept = assigned[trusted.places] & trusted.found
    kinds = types.at(trusted.places)
    others = _expected(probability, assigned & ~marked(trusted.places, len(assigned)), types)
    held_out = {}
    for name in np.unique(kinds):
        of_type = kinds == name
        chosen = of_type & kept
        own = lone.take(kinds_of_lone == name)
        places = np.r_[trusted.places[chosen], own.places]
        held_out[str(name)] = HeldOut(
            probability=np.r_[probability[trusted.places[chosen]], own.probability],
            same=np.r_[trusted.same[chosen], np.zeros(len(own.places), dtype=bool)],
            groups=candidates.left[places].astype(np.int64),
            matches=int(trusted.same[of_type].sum()),
            weight=np.r_[np.ones(int(chosen.sum())), np.full(len(own.places), lone.share)],
            half=lone.half,
            others=others.get(str(name), 0.0),
        )
    return thresholds_by_type(held_out, options=options, seed=seed)


def _expected(probability: Float64, chosen: Bool, types: PairTypes) -> dict[str, float]:
    """How many of some candidates are the same, as is expected, by type."""
    same = np.bincount(types.codes[chosen], weights=probability[chosen], minlength=len(types.names))
    return dict(zip(types.names, same.tolist(), strict=True))


def _places(candidates: Candidates, pairs: EntityPairs) -> Int64:
    places = candidates.find(pairs.left, pairs.right)
    return places[places >= 0]


def refuse_unknown(graphs: Graphs, options: DecisionOptions) -> None:
    """Raises ConfigError for a rule about a type or an attribute that the graphs do not have."""
    left, right = graphs
    lefts, rights = type_codes(left)[0], type_codes(right)[0]
    for kind in options.cardinalities({}):
        if kind != ANY_TYPE:
            _refuse(kind, "cardinality_of", "left type", lefts)
    for one, other in options.types_apart():
        _refuse(one, "apart", "left type", lefts)
        _refuse(other, "apart", "right type", rights)
    for attribute in options.must_agree:
        _refuse(attribute, "must_agree", "left attribute", left.attribute_names)


def refuse_unmapped(schema: SchemaMapping, right: KnowledgeGraph, options: DecisionOptions) -> None:
    """Raises ConfigError for an attribute that has to agree with nothing that the right graph has."""
    mapped = {row.left for row in schema.attributes if row.right in right.attribute_names}
    for attribute in options.must_agree:
        if attribute not in mapped:
            raise ConfigError(
                f"[decisions] must_agree: no attribute of the right graph corresponds to {attribute!r}",
                hint="name it in a schema mapping, see `crossgraph schema`",
            )


def forbidden(preparation: Preparation, options: DecisionOptions) -> Bool:
    """(P) candidates that a rule forbids: types that are apart, or attributes that have to agree and do not.

    A type or an attribute that is not there (any more) forbids nothing; see ``refuse_unknown``.
    """
    candidates, (left, right) = preparation.candidates, preparation.graphs
    found = np.zeros(len(candidates), dtype=bool)
    (lefts, codes_left), (rights, codes_right) = type_codes(left), type_codes(right)
    for one, other in options.types_apart():
        if one in lefts and other in rights:
            of_left = (codes_left == lefts.index(one))[candidates.left]
            found |= of_left & (codes_right == rights.index(other))[candidates.right]
    for attribute in options.must_agree:
        ends = candidates.left, candidates.right
        found |= disagrees(preparation.description, preparation.schema, ends, attribute)
    return found


def disagrees(
    description: Description, schema: SchemaMapping, pairs: tuple[Int32, Int32], attribute: str
) -> Bool:
    """(P) pairs that both have values of a left attribute and of what it is mapped to, but none in common."""
    column = column_of(description.left, attribute)
    both, agrees = (np.zeros(len(pairs[0]), dtype=bool) for _ in range(2))
    for row in schema.attributes:
        other = column_of(description.right, row.right)
        if row.left != attribute or column is None or other is None:
            continue
        pair, mine, theirs = value_pairs(column, other, pairs)
        # A value without any letter or digit says nothing.
        said = (column.texts[mine] > 0) & (other.texts[theirs] > 0)
        pair, mine, theirs = pair[said], mine[said], theirs[said]
        both[pair] = True
        agrees[pair[_equal(column, other, mine, theirs)]] = True
    return both & ~agrees


def _equal(left: AttributeColumn, right: AttributeColumn, mine: Int64, theirs: Int64) -> Bool:
    """Whether two values are one: the same number or day where both are such, else the same text."""
    alike: Bool = left.texts[mine] == right.texts[theirs]
    if left.kind == right.kind != "text":
        one, other = left.values[mine], right.values[theirs]
        alike = np.where(np.isnan(one) | np.isnan(other), alike, one == other)
    return alike


def _refuse(name: str, key: str, what: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ConfigError(
            f"[decisions] {key}: there is no {what} {name!r}", hint=f"there are {', '.join(sorted(known))}"
        )
