"""A small RESULT as a service: what it answers, and that it is what the model would say."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import product
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient
from typer.testing import CliRunner

from crossgraph.blocking.structure import neighbour_idf
from crossgraph.cli import app as command_line
from crossgraph.config import load_config
from crossgraph.evidence.attributes import attribute_evidence
from crossgraph.explaining.backdrop import Backdrop
from crossgraph.explaining.reopening import reopen
from crossgraph.features.text import normalise, normalised
from crossgraph.features.tokens import sketch_of
from crossgraph.graphs.adjacency import directed_name
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.learning import told as told_of
from crossgraph.model.inputs import Likeness, SideTensors
from crossgraph.pipeline import Inputs, align
from crossgraph.reviewing.views import GraphView
from crossgraph.serving import hearing
from crossgraph.serving.aligning import MOST_ENTITIES, Aligner, graphs_of
from crossgraph.serving.app import ServiceOptions, create_app
from crossgraph.serving.asking import Asker, Reader
from crossgraph.serving.evidence import echoed, values_of
from crossgraph.serving.guard import ServiceGuardOptions
from crossgraph.serving.matching import Matcher
from crossgraph.serving.openapi import openapi
from crossgraph.serving.pooling import Pooler
from crossgraph.serving.protocol import MOST_QUERIES
from crossgraph.serving.records import Record, Value
from crossgraph.serving.served import Served
from crossgraph.serving.showing import Showing
from crossgraph.serving.together import MOST_WAITING, BusyError, Together
from serving import reconciliation as api

if TYPE_CHECKING:
    from conftest import Pair

QUICK = load_config(
    None,
    [
        *("training.steps=6", "training.epochs=1", "training.batch=128", "model.width=16"),
        *("training.scorer_steps=30", "training.scorer_epochs=1", "training.scorer_batch=128"),
        *("blocking.per_entity=8", "scorer.hidden=16"),
    ],
)
HOME = "http://localhost:8766"
SIDES = ("left", "right")
TOO_MANY = json.dumps({str(number): {"query": "a"} for number in range(MOST_QUERIES + 1)})
REQUIRED = {"matchType": "name", "propertyValue": "a", "required": True}


@pytest.fixture(scope="module")
def result(mid_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("serving")
    mid_pair.write(here / "graphs")
    known = random.Random(0).sample(mid_pair.truth, len(mid_pair.truth) // 3)
    (here / "links.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in known), encoding="utf8")
    inputs = Inputs(left=here / "graphs", links=(here / "links.tsv",))
    return align(inputs, here / "RESULT", config=QUICK).path


@pytest.fixture(scope="module")
def both(result: Path) -> dict[str, Served]:
    opened = reopen(result)
    return {side: Served.of(opened, at) for at, side in enumerate(SIDES)}


@pytest.fixture(scope="module")
def served(both: dict[str, Served]) -> Served:
    return both["right"]


@pytest.fixture(scope="module")
def client(served: Served, result: Path) -> Iterator[TestClient]:
    app = create_app(served, ServiceOptions(name="test", align=Aligner(result).align))
    with TestClient(app, base_url=HOME) as client:
        yield client


def records_of(served: Served, pair: Pair, count: int) -> list[tuple[Record, str]]:
    """Linked entities of the asking side in the words of the served one, and whom they are."""
    graph = served.opened.preparation.graphs[served.asking]
    view = GraphView.of(
        graph, tuple((m.left, m.right)[served.asking] for m in served.opened.preparation.schema.attributes)
    )
    there = {
        one: name
        for name, known in served.properties.items()
        for one, _ in served.counterparts.attributes.get(known.attribute, ())
    }
    relations = {
        served.counterparts.relations[known.relation][0]: name
        for name, known in served.properties.items()
        if known.relation in served.counterparts.relations
    }
    out = []
    for link in random.Random(1).sample(pair.truth, count):
        asking, wanted = (link, link[::-1])[served.asking]
        entity = view.number(asking)
        values = [
            (there[number], Value(fact.value))
            for fact in view.facts(entity)
            if (number := graph.attribute_names.index(fact.attribute)) in there
        ]
        for one in view.neighbours(entity):
            number = next(
                n
                for n in range(2 * len(graph.relation_names))
                if directed_name(graph.relation_names, n) == one.relation
            )
            if number in relations:
                values.append((relations[number], Value(view.name(one.entity))))
        out.append((Record(view.name(entity), (), tuple(values)), wanted))
    return out


@pytest.mark.parametrize("side", SIDES)
def test_records_of_the_other_graph_are_found(side: str, both: dict[str, Served], mid_pair: Pair) -> None:
    served = both[side]
    asked = records_of(served, mid_pair, 40)
    found = Matcher(served).match([record for record, _ in asked])
    firsts = [served.view.id(own[0].entity) if own else "" for own in found]
    assert np.mean([one == wanted for one, (_, wanted) in zip(firsts, asked, strict=True)]) > 0.7
    for own in found:
        chances = [one.probability for one in own]
        assert chances == sorted(chances, reverse=True)
        assert len(own) <= 5
        assert sum(one.match for one in own) <= 1


def test_a_record_gets_the_same_answer_whoever_else_asks(served: Served, mid_pair: Pair) -> None:
    records = [record for record, _ in records_of(served, mid_pair, 12)] + [Record("")]
    matcher = Matcher(served)
    together = matcher.match(records)
    for record, own in zip(records, together, strict=True):
        alone = matcher.match([record])[0]
        assert [one.entity for one in alone] == [one.entity for one in own]
        assert [one.probability for one in alone] == pytest.approx([one.probability for one in own], rel=1e-3)


@pytest.mark.parametrize("side", SIDES)
def test_values_and_neighbours_are_compared_as_in_the_graphs(
    side: str, both: dict[str, Served], mid_pair: Pair
) -> None:
    """A record that says what an entity of the other graph has is compared as the entity is."""
    served = both[side]
    preparation = served.opened.preparation
    asked = Asker(served).ask([record for record, _ in records_of(served, mid_pair, 6)])
    pool = Pooler(served).pool(asked)
    columns = asked.columns(served.columns(served.asking), Reader())
    own = tuple(column for column in columns.values() if column.entities[0] < len(asked))
    got = values_of(served, asked, own, pool).compared(served)
    links = [link[served.asking] for link in random.Random(1).sample(mid_pair.truth, 6)]
    entities = preparation.graphs[served.asking].positions(pl.Series(links))[pool.record]
    ends = (entities, pool.entity) if served.side else (pool.entity, entities)
    expected = attribute_evidence(preparation.description, preparation.schema, ends)
    shared = [name for name in got.names if "~" in name]
    assert shared
    for name in shared:
        one, other = got.values[:, got.names.index(name)], expected.values[:, expected.names.index(name)]
        known = ~np.isnan(one)
        np.testing.assert_allclose(one[known], other[known], atol=1e-4, err_msg=name)
    # The far ends of a record's edges are the only ones that can be shared, each once.
    echo = echoed(served, asked, pool)
    total = echo.values[:, echo.names.index("echo:shared")]
    edges = np.bincount(asked.edges.records, minlength=len(asked))[pool.record]
    assert np.nanmax(total) > 0.5
    if served.side:
        assert (total[~np.isnan(total)] <= edges[~np.isnan(total)] + 1e-4).all()


@pytest.mark.parametrize("anyhow", [0.0, 0.4])
@pytest.mark.parametrize("side", SIDES)
def test_structural_weights_are_those_of_their_formula(
    side: str, anyhow: float, both: dict[str, Served], mid_pair: Pair
) -> None:
    opened = both[side].opened
    weighing = replace(opened.preparation.weighing, anyhow=anyhow)
    opened = replace(opened, preparation=replace(opened.preparation, weighing=weighing))
    served = replace(both[side], around=Backdrop(opened))
    asked = Asker(served).ask([record for record, _ in records_of(served, mid_pair, 8)])
    pool = Pooler(served).pool(asked)
    adjacency, weighing = served.adjacency, served.opened.preparation.weighing
    rows = list(
        zip(
            adjacency.sources.tolist(),
            adjacency.relations.tolist(),
            adjacency.neighbours.tolist(),
            strict=True,
        )
    )
    size, edges, likely = len(served.graph), asked.edges, asked.likely

    def squared(degree: int) -> float:
        return float(neighbour_idf(np.array([degree]), size)[0]) ** 2

    for record, entity, weight in zip(pool.record, pool.entity, pool.structure, strict=True):
        total, own = 0.0, dict[int, float]()
        for place in range(len(likely.neighbour)):
            edge, q, sure = int(likely.neighbour[place]), int(likely.entity[place]), float(likely.sure[place])
            if edges.records[edge] != record:
                continue
            back = (int(edges.served[edge]) + adjacency.relation_count) % (2 * adjacency.relation_count)
            by = squared(sum(source == q and r == back for source, r, _ in rows))
            of_all = squared(sum(source == q for source, _, _ in rows)) if anyhow else 0.0
            mapped, of_any = float(edges.weights[edge]) * by * sure, anyhow * of_all * sure
            total += sum(
                of_any + (mapped if r == back else 0.0) for s, r, to in rows if s == q and to == entity
            )
            own[edge] = max(own.get(edge, 0.0), mapped + of_any)
        length = np.sqrt(served.usual_length + sum(own.values())) * weighing.lengths[served.side][entity]
        assert weight == pytest.approx(total / length, rel=1e-3, abs=1e-6)


def test_the_nearest_names_are_found(served: Served) -> None:
    texts = served.opened.preparation.description.texts
    names = served.around.name_rows[served.side]
    everybody = np.ones(len(served.graph), dtype=bool)
    half = everybody & (np.arange(len(served.graph)) % 2 == 0)
    for text, allowed in product(("Anna", "the lost garden", "xyz"), (everybody, half)):
        vectors = texts.vectors(pl.Series([text]))
        near = np.asarray((texts.grams @ vectors.T).todense()).ravel()[names["text"].to_numpy()]
        near = np.where(allowed[names["entity"].to_numpy()], near, 0.0)
        found = {
            (int(entity), int(row))
            for index in served.names
            for entity, row in zip(
                *index.nearest((vectors.indices, vectors.data), allowed, top=5), strict=True
            )
        }
        assert all(allowed[entity] for entity, _ in found)
        best = np.sort(near)[::-1][: min(3, int((near > 0).sum()))]
        of_pair = dict(
            zip(
                zip(*(names[c].to_list() for c in ("entity", "text")), strict=True),
                near.tolist(),
                strict=True,
            )
        )
        reached = sorted((of_pair[pair] for pair in found), reverse=True)
        assert reached[: len(best)] == pytest.approx(best.tolist(), abs=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_networks_are_heard_on_arrays_as_by_tensors(
    both: dict[str, Served], mid_pair: Pair, side: str
) -> None:
    served = both[side]
    asked = Asker(served).ask([record for record, _ in records_of(served, mid_pair, 12)])
    pool = Pooler(served).pool(asked)
    columns = asked.columns(served.columns(served.asking), Reader())
    opened, expected = served.opened, []
    mine = SideTensors.on(hearing.side_of(served, asked, columns), "cpu")
    sketch = torch.from_numpy(sketch_of(asked.words.table.grams))
    rows, ends = torch.from_numpy(pool.record).long(), torch.from_numpy(pool.entity).long()
    theirs, likeness = opened.tensors.sides[served.side], Likeness.on(hearing.likeness_of(asked))
    around = mine.neighbours[rows], theirs.neighbours[ends]
    with torch.no_grad():
        for network in opened.model.networks:
            own = network.prepare(mine, sketch, torch.arange(len(asked))).rows(rows)
            known, places = torch.unique(ends, return_inverse=True)
            other = network.prepare(theirs, opened.tensors.sketch, known).rows(places)
            alike = network.alike(likeness, around, sketch.device)
            assert alike is not None
            assert alike.any()
            expected.append(told_of(network.compare(own, other, alike)).numpy())
    found = hearing.heard(served, asked, columns, pool)
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5, rtol=1e-4)


@given(st.text())
def test_one_text_is_normalised_as_many_are(text: str) -> None:
    try:
        series = pl.Series([text])
    except UnicodeEncodeError:
        return
    assert normalised(text) == normalise(series)[0]


def test_what_a_record_asks_for_is_kept_to(served: Served, mid_pair: Pair) -> None:
    record, wanted = records_of(served, mid_pair, 1)[0]
    matcher = Matcher(served)
    entity = served.view.number(wanted)
    kind = served.types[0][served.types[1][entity]]
    of_kind = matcher.match([replace(record, types=(kind, "no such"), limit=20)])[0]
    assert entity in {one.entity for one in of_kind}
    assert all(kind in served.view.types(one.entity) for one in of_kind)
    assert len(matcher.match([replace(record, limit=2)])[0]) == 2
    assert matcher.match([replace(record, types=("no such",))]) == [[]]
    first, *others = matcher.match([replace(record, name=wanted)])[0]
    assert (first.entity, first.probability, first.match) == (entity, 1.0, True)
    assert not any(one.match or one.entity == entity for one in others)
    other = next(name for name in served.types[0] if name not in served.view.types(entity))
    assert entity not in {
        one.entity for one in matcher.match([replace(record, name=wanted, types=(other,))])[0]
    }
    unknown = replace(record, values=(*record.values, ("no such", Value("x"))))
    assert matcher.match([unknown]) == matcher.match([record])


def test_a_name_is_no_identifier_where_somebody_is_called_so(
    served: Served, mid_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, wanted = next((one, who) for one, who in records_of(served, mid_pair, 20) if one.name)
    entity = served.view.number(wanted)
    called = replace(record, name=served.view.name(entity))
    holder = (entity + 1) % len(served.graph)
    monkeypatch.setattr(KnowledgeGraph, "position", lambda self, name: holder)
    found = Matcher(served).match([called])[0]
    assert all(one.features for one in found)
    assert found[0].entity == entity


def test_who_must_agree_and_does_not_is_no_match(served: Served, mid_pair: Pair) -> None:
    kinds = {column.name: column.kind for column in served.columns(0)}
    attribute = next(m for m in served.opened.preparation.schema.attributes if kinds[m.left] != "text")
    config = served.opened.config
    strict = replace(config, decisions=replace(config.decisions, must_agree=(attribute.left,)))
    stern = replace(served, around=replace(served.around, opened=replace(served.opened, config=strict)))
    seen = 0
    for record, _ in records_of(served, mid_pair, 40):
        if attribute.right not in dict(record.values):
            continue
        others = tuple(one for one in record.values if one[0] != attribute.right)
        wrong = replace(record, values=(*others, (attribute.right, Value("1401"))))
        for one in Matcher(stern).match([wrong])[0]:
            held = any(fact.attribute == attribute.right for fact in served.view.facts(one.entity))
            assert not (one.match and held)
        seen += any(one.match for one in Matcher(stern).match([record])[0])
    assert seen


# --- the service


def check(schema: api.Schema, answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    data = answer.json()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(data)
    return data


def queries_of(served: Served, pair: Pair, count: int) -> list[tuple[dict[str, Any], str]]:
    return [
        (
            {
                "query": record.name,
                "limit": 3,
                "properties": [{"pid": name, "v": value.text} for name, value in record.values],
            },
            wanted,
        )
        for record, wanted in records_of(served, pair, count)
    ]


def drafted_of(asked: list[tuple[dict[str, Any], str]], name: str, value: str) -> dict[str, Any]:
    """The same queries as the draft has them, with its words for a property and its value."""
    return {
        "queries": [
            {
                "limit": query["limit"],
                "conditions": [
                    {"matchType": "name", value: query["query"]},
                    *(
                        {"matchType": "property", name: one["pid"], value: one["v"]}
                        for one in query["properties"]
                    ),
                ],
            }
            for query, _ in asked
        ]
    }


def test_the_manifests_lead_to_what_they_promise(client: TestClient, served: Served) -> None:
    told = check(api.MANIFEST_02, client.get("/"))
    assert told["defaultTypes"]
    entity, kind = served.view.id(0), told["defaultTypes"][0]["id"]
    suggest = told["suggest"]
    for one in suggest.values():
        check(api.SUGGESTED, client.get(one["service_url"] + one["service_path"], params={"prefix": "a"}))
    flyout = suggest["entity"]["flyout_service_url"] + suggest["entity"]["flyout_service_path"]
    assert check(api.FLOWN, client.get(flyout.replace("${id}", entity)))["id"] == entity
    assert served.view.name(0) in client.get(told["preview"]["url"].replace("{{id}}", entity)).text
    propose = told["extend"]["propose_properties"]
    check(api.PROPOSED, client.get(propose["service_url"] + propose["service_path"], params={"type": kind}))
    draft = check(api.MANIFEST_DRAFT, client.get("/draft/"))
    assert served.view.name(0) in client.get(draft["view"]["url"].replace("{id}", entity)).text
    assert client.get("/draft/suggest/type", params={"prefix": ""}).json()["result"] == draft["defaultTypes"]


def test_both_versions_give_the_answers_of_the_matcher(
    client: TestClient, served: Served, mid_pair: Pair
) -> None:
    asked = queries_of(served, mid_pair, 6)
    batch = json.dumps({f"q{at}": query for at, (query, _) in enumerate(asked)})
    by_form = check(api.RESULTS_02, client.post("/", data={"queries": batch}))
    assert check(api.RESULTS_02, client.get("/", params={"queries": batch})) == by_form
    drafted, early = (
        check(api.RESULTS_DRAFT, client.post("/draft/reconcile", json=drafted_of(asked, *called)))
        for called in (("propertyId", "propertyValue"), ("pid", "v"))
    )
    assert early == drafted
    for own in drafted["results"]:
        for candidate in own["candidates"]:
            assert all(one.pop("name") == one["id"] for one in candidate["features"])
    assert [one["candidates"] for one in drafted["results"]] == [one["result"] for one in by_form.values()]
    found = Matcher(served).match([replace(record, limit=3) for record, _ in records_of(served, mid_pair, 6)])
    for own, shown in zip(found, by_form.values(), strict=True):
        assert [served.view.id(one.entity) for one in own] == [one["id"] for one in shown["result"]]
        assert [one.match for one in own] == [one["match"] for one in shown["result"]]
        assert [100 * one.probability for one in own] == pytest.approx(
            [one["score"] for one in shown["result"]], abs=1e-3
        )
    features = {one["id"]: one["value"] for one in next(iter(by_form.values()))["result"][0]["features"]}
    assert {"probability", "name", "network"} <= set(features)


def test_values_are_handed_out_as_the_graph_has_them(client: TestClient, served: Served) -> None:
    entity = int(served.graph.heads[0])
    name, fact = served.view.neighbours(entity)[0].relation, served.view.facts(entity)[0]
    wanted = {
        "ids": [served.view.id(entity), "no such"],
        "properties": [{"id": name}, {"id": fact.attribute, "settings": {"limit": "1"}}, {"id": "none"}],
    }
    told = check(api.EXTENDED_02, client.post("/", data={"extend": json.dumps(wanted)}))
    row = told["rows"][served.view.id(entity)]
    ends = [served.view.id(one.entity) for one in served.view.neighbours(entity) if one.relation == name]
    assert [one["id"] for one in row[name]] == ends
    assert [str(value) for one in row[fact.attribute] for value in one.values()] == [fact.value]
    assert (row["none"], told["rows"]["no such"][name]) == ([], [])
    drafted = check(api.EXTENDED_DRAFT, client.post("/draft/extend", json=wanted))
    assert {one["id"]: {p["id"]: p["values"] for p in one["properties"]} for one in drafted["rows"]} == told[
        "rows"
    ]


def test_suggestions_complete_names_and_page_on(client: TestClient, served: Served) -> None:
    name = served.view.name(3)
    found = client.get("/suggest/entity", params={"prefix": name[:4]}).json()["result"]
    assert any(one["name"] == name for one in found)
    assert (
        client.get("/suggest/entity", params={"prefix": served.view.id(3)}).json()["result"][0]["name"]
        == name
    )
    every = client.get("/suggest/property").json()["result"]
    assert (
        client.get("/suggest/property", params={"cursor": 1}).json()["result"][: len(every) - 1] == every[1:]
    )


def test_names_with_markup_stay_texts(served: Served) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    names = pl.Series([hostile] * len(served.graph))
    page = Showing(replace(served, view=replace(served.view, names=names))).preview(served.view.id(0))
    assert page
    assert "<script" not in page
    assert "\u202e" not in page


def test_small_graphs_are_aligned_by_the_model(client: TestClient, mid_pair: Pair) -> None:
    sent = {side: as_json(graph) for side, graph in zip(SIDES, mid_pair.graphs, strict=True)}
    graphs = graphs_of(sent)
    assert [one.fingerprint() for one in graphs] == [one.fingerprint() for one in mid_pair.graphs]
    told = client.post("/align", json=sent)
    assert told.status_code == 200
    matches = {(one["left"], one["right"]) for one in told.json()["matches"]}
    assert len(matches & set(mid_pair.truth)) > 0.5 * len(mid_pair.truth)
    alone = {"entities": [{"id": "a", "attributes": {"x": ["1"]}}]}
    assert client.post("/align", json={"left": alone, "right": alone}).status_code in (200, 422)
    crowd = {"entities": [{"id": str(at), "types": ["t"]} for at in range(MOST_ENTITIES)]}
    assert client.post("/align", json={"left": crowd, "right": alone}).status_code == 413


def test_one_pair_of_graphs_is_aligned_while_three_wait(served: Served) -> None:
    told, aligning = Event(), Lock()

    def align(_: Any) -> dict[str, Any]:
        assert aligning.acquire(blocking=False)
        assert told.wait(60)
        aligning.release()
        return {"matches": [], "candidates": 0}

    alone = {"entities": [{"id": "a", "types": ["t"]}]}
    sent = {"left": alone, "right": alone}
    app = create_app(served, ServiceOptions(align=align))
    with TestClient(app, base_url=HOME) as client, ThreadPoolExecutor(5) as clients:
        asked = [clients.submit(client.post, "/align", json=sent) for _ in range(5)]
        first = next(as_completed(asked, timeout=60))
        told.set()
        assert first.result().status_code == 503
        assert first.result().headers["retry-after"] == "1"
        assert sorted(one.result().status_code for one in asked) == [200] * 4 + [503]


def as_json(graph: Any) -> dict[str, Any]:
    entities: dict[str, dict[str, Any]] = {
        one: {"id": one, "types": [], "attributes": {}, "relations": {}} for one in graph.ids
    }
    tables = graph.tables()
    for entity, kind in tables.types.rows():
        entities[entity]["types"].append(kind)
    for head, relation, tail in tables.edges.rows():
        entities[head]["relations"].setdefault(relation, []).append(tail)
    for entity, attribute, value, _ in tables.facts.rows():
        entities[entity]["attributes"].setdefault(attribute, []).append(value)
    return {"entities": list(entities.values())}


# JSON can say half a letter (a lone surrogate), which no UTF-8 can.
ANY_TEXT = st.text(st.characters(), max_size=5)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "query",
                    "queries",
                    "type",
                    "limit",
                    "properties",
                    "pid",
                    "v",
                    "id",
                    "conditions",
                    "matchType",
                    "propertyId",
                    "propertyValue",
                    "ids",
                    "settings",
                    "left",
                    "right",
                    "entities",
                    "attributes",
                    "relations",
                    "types",
                    "name",
                )
            )
            | ANY_TEXT,
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(ANYTHING, st.sampled_from(("queries", "extend", "/draft/reconcile", "/draft/extend", "/align")))
def test_whatever_is_sent_gets_an_answer_and_no_fault(client: TestClient, data: Any, where: str) -> None:
    text = json.dumps(data)
    if where.startswith("/"):
        answer = client.post(where, content=text, headers={"content-type": "application/json"})
    else:
        answer = client.post("/", data={where: text})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.status_code in (200, 400, 413, 422)
    assert answer.status_code == 200 or set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/", {"data": {"queries": "{"}}, 400),
        ("POST", "/", {"data": {"other": "{}"}}, 400),
        ("POST", "/", {"data": {"queries": TOO_MANY}}, 413),
        ("POST", "/", {"data": {"queries": json.dumps({"a": {"query": "x" * 2000}})}}, 400),
        ("POST", "/", {"data": {"queries": json.dumps({"\ud800": {"query": "a"}})}}, 400),
        ("POST", "/", {"data": {"queries": "[" * 100_000}}, 400),
        ("POST", "/", {"data": {"queries": "x" * (1 << 20)}}, 413),
        ("POST", "/", {"json": {}}, 415),
        ("POST", "/draft/reconcile", {"data": {"queries": "{}"}}, 415),
        ("POST", "/draft/reconcile", {"json": {"queries": [{"conditions": [REQUIRED]}]}}, 400),
        ("GET", "/suggest/entity?prefix=a&cursor=-1", {}, 400),
        ("GET", "/preview?id=nobody", {}, 404),
        ("GET", "/suggest/flyout?id=nobody", {}, 404),
        ("GET", "/nowhere", {}, 404),
        ("DELETE", "/", {}, 405),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(
    client: TestClient, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    answer = client.request(method, path, **sent)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_it_tells_of_itself(client: TestClient, served: Served) -> None:
    assert client.get("/health").json()["entities"] == len(served.graph)
    client.post("/", data={"queries": json.dumps({"a": {"query": "Anna"}})})
    metrics = client.get("/metrics").text
    assert 'crossgraph_answers_total{path="/",status="200"}' in metrics
    assert "crossgraph_records_together_count" in metrics
    routes = {(one.path, method) for one in client.app.routes for method in one.methods - {"HEAD"}}
    told = openapi("test", HOME)["paths"]
    assert client.get("/openapi.json").json()["paths"] == told
    assert {(path, method.upper()) for path, methods in told.items() for method in methods} == routes - {
        ("/draft", "GET")
    }


# --- who may ask


def guarded(served: Served, **options: Any) -> TestClient:
    return TestClient(create_app(served, ServiceOptions(guard=ServiceGuardOptions(**options))), base_url=HOME)


def test_only_pages_that_may_ask_are_answered(served: Served) -> None:
    client = guarded(served, origins=("https://refine.example",))
    for origin, allowed in {
        "http://127.0.0.1:3333": True,
        "http://localhost:3333": True,
        "https://refine.example": True,
        HOME: True,
        "https://evil.example": False,
        "https://localhost.evil.example": False,
        "http://127.0.0.1.evil.example:80": False,
        "null": False,
    }.items():
        answer = client.get("/health", headers={"origin": origin})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (
            (200, origin) if allowed else (403, None)
        )
        before = client.options(
            "/draft/reconcile", headers={"origin": origin, "access-control-request-method": "POST"}
        )
        assert before.status_code == (204 if allowed else 403)
    loaded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client.get("/health", headers=loaded).status_code == 403
    assert (
        guarded(served, origins=("*",)).get("/health", headers={"origin": "https://any.example"}).status_code
        == 200
    )


def test_other_names_of_this_machine_are_refused(served: Served) -> None:
    assert guarded(served).get("/health", headers={"host": "127.0.0.2:8766"}).status_code == 200
    assert guarded(served).get("/health", headers={"host": "rebound.example:8766"}).status_code == 421
    assert guarded(served, loopback=False).get("/health", headers={"host": "here.example"}).status_code == 200


def test_nothing_is_told_without_the_token(served: Served) -> None:
    client = guarded(served, token="secret-secret-secret")
    for path in ("/", "/health", "/metrics", "/openapi.json", "/wrong-token/", "/secret-secret-secretly/"):
        assert client.get(path).status_code == 401
    assert client.get("/health", headers={"authorization": "Bearer secret-secret-secret"}).status_code == 200
    assert client.get("/health", headers={"authorization": "Bearer other"}).status_code == 401
    told = client.get("/secret-secret-secret/").json()
    address = told["suggest"]["type"]["service_url"] + told["suggest"]["type"]["service_path"]
    assert client.get(address).status_code == 200


def test_every_answer_says_that_nothing_may_run_in_it(client: TestClient) -> None:
    for path in ("/", "/preview?id=nobody", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


# --- many at once


def test_those_who_ask_at_once_are_answered_together_and_each_for_itself() -> None:
    sizes: list[int] = []

    def match(records: list[Record]) -> list[list[Any]]:
        if any(record.name == "bad" for record in records):
            raise RuntimeError("broken")
        return [[record.name] for record in records]

    async def ask() -> list[Any]:
        together = Together(match, sizes.append)  # type: ignore[arg-type]  # names for matches
        asked = [together.ask([Record(f"{at}"), Record(f"{at}!")]) for at in range(50)]
        answers = await asyncio.gather(*asked)
        with pytest.raises(RuntimeError, match="broken"):
            await together.ask([Record("bad")])
        with pytest.raises(BusyError):
            await together.ask([Record("")] * (MOST_WAITING + 1))
        assert await together.ask([Record("still")]) == [["still"]]
        together.close()
        return answers

    assert asyncio.run(ask()) == [[[f"{at}"], [f"{at}!"]] for at in range(50)]
    assert sum(sizes) == 102
    assert len(sizes) < 10


def test_clients_that_ask_at_once_get_the_answers_that_each_gets_alone(
    client: TestClient, served: Served, mid_pair: Pair
) -> None:
    asked = [query for query, _ in queries_of(served, mid_pair, 24)]

    def ask(query: dict[str, Any]) -> list[dict[str, Any]]:
        answer = client.post("/", data={"queries": json.dumps({"q": query})})
        assert answer.status_code == 200
        return answer.json()["q"]["result"]

    alone = [ask(query) for query in asked]
    with ThreadPoolExecutor(8) as clients:
        at_once = list(clients.map(ask, asked))
    for one, other in zip(alone, at_once, strict=True):
        assert [(c["id"], c["match"]) for c in one] == [(c["id"], c["match"]) for c in other]
        scores = [[c["score"] for c in own] for own in (one, other)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-3, abs=1e-3)
    assert any(alone)


@pytest.mark.long
@pytest.mark.parametrize(("within", "code"), [("0.001", 1), ("1e6", 0)])
def test_a_service_that_is_too_slow_is_told_by_the_exit_code(result: Path, within: str, code: int) -> None:
    script = Path(__file__).parents[2] / "scripts" / "time_service.py"
    command = [sys.executable, str(script), str(result), "--requests", "200", "--clients", "4"]
    done = subprocess.run([*command, "--within", within], capture_output=True, text=True, check=False)
    assert (done.returncode, "95th percentile is above" in done.stderr) == (code, bool(code)), done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "is no RESULT"),
        (["--token", "short"], "too short"),
        (["--allow-origin", "refine.example"], "is no origin"),
        (["--host", "256.0.0.1"], "cannot listen"),
    ],
)
def test_the_command_line_says_what_is_wrong(options: list[str], told: str, result: Path) -> None:
    where = str(result) if options else "nowhere"
    ended = CliRunner().invoke(command_line, ["serve", where, *options, "--quiet"])
    assert (ended.exit_code, told in ended.output) == (1, True), ended.output


def test_the_description_has_queries_of_a_name_or_of_values_alone():
    asked = openapi("films", "http://localhost/")["paths"]["/"]["get"]["parameters"][0]
    schema = Draft202012Validator(asked["content"]["application/json"]["schema"])
    values = [{"pid": "year", "v": "1995"}]
    assert schema.is_valid({"a": {"query": "Heat"}, "b": {"properties": values}})
    assert schema.is_valid({"a": {"query": "Heat", "properties": values, "limit": 3}})
    for wrong in ({}, {"limit": 3}, {"properties": []}, {"query": "Heat", "limit": "three"}):
        assert not schema.is_valid({"a": wrong})
