"""What is asked for: records with a name, types and values, as a table's row tells them."""

from __future__ import annotations

from dataclasses import dataclass

# Values of one property that count, and properties of one record, and candidates that may be wanted.
MOST_VALUES, MOST_PROPERTIES, MOST_CANDIDATES = 20, 30, 20


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a property: a text, or an entity of the served graph by identifier and perhaps name."""

    text: str
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A record that is to be found in the served graph.

    name      what it is called; may be empty where values tell enough
    types     identifiers of types, any of which it may have; empty for any type
    values    property identifier and value; properties without a counterpart are passed over
    limit     candidates wanted
    """

    name: str
    types: tuple[str, ...] = ()
    values: tuple[tuple[str, Value], ...] = ()
    limit: int = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that a record may be.

    probability   that it is; 1 for an entity that the record named by its identifier
    match         whether the RESULT's decisions would call it the same
    features      what was compared, by name; only what could be
    """

    entity: int
    probability: float
    match: bool
    features: dict[str, float]
