"""What a merge makes of entities, names and values."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hostile import FILMS, MAPPING, MOVIES, NO_SCHEMA, XSD, graph, merge_films
from hypothesis import given
from hypothesis import strategies as st

from crossgraph.errors import ConfigError, LinksError
from crossgraph.graphs.graph import KnowledgeGraph
from crossgraph.graphs.links import Links
from crossgraph.graphs.terms import from_iri, to_iri
from crossgraph.merging.merge import merge
from crossgraph.merging.options import MergeOptions, parse_policies
from crossgraph.merging.report import Found, report_of
from crossgraph.merging.source import Source
from crossgraph.schema.mapping import AttributeMapping, RelationMapping, SchemaMapping, TypeMapping

BASE = "https://crossgraph.invalid/"
F1, P1, F2 = (f"{BASE}left/{name}" for name in ("f1", "p1", "f2"))
M1, H1, M3 = (f"{BASE}right/{name}" for name in ("m1", "h1", "m3"))
DIRECTED = f"{BASE}left/relation/directed%20by"
TITLE, YEAR = (f"{BASE}left/attribute/{name}" for name in ("title", "year"))


def reported(merged):
    return report_of(merged, Found.of(merged)).content


def edges(merged) -> set[tuple[str, str, str, bool, bool]]:
    return set(merged.edges.select("head", "relation", "tail", "left", "right").iter_rows())


def kept(merged, entity: str, attribute: str) -> set[tuple[str, str]]:
    rows = merged.facts.filter(pl.col("chosen"), entity=entity, attribute=attribute)
    return set(rows.select("value", "tag").iter_rows())


def test_matched_entities_have_one_name_and_inverse_relations_one_direction():
    found = edges(merge_films())
    assert (F1, DIRECTED, P1, True, True) in found
    assert (M3, DIRECTED, P1, False, True) in found
    assert (F2, DIRECTED, P1, True, False) in found
    assert (F1, f"{BASE}right/relation/cast", P1, False, True) in found
    assert len(found) == 5


def test_the_right_graph_may_be_preferred():
    found = edges(merge_films(prefer="right"))
    assert (H1, f"{BASE}right/relation/director%20of", M1, True, True) in found
    assert (H1, f"{BASE}right/relation/director%20of", F2, True, False) in found


def test_new_names_are_made_of_the_first_left_member_and_of_words():
    merged = merge_films(prefer="mint", base="https://e.org/")
    both = merge_films(prefer="mint", base="https://e.org/", pairs=(("f1", "m1"), ("f1", "m3"), ("p1", "h1")))
    names = dict(merged.clusters.members.select("iri", "canonical").iter_rows())
    assert names[F1] == names[M1] == dict(both.clusters.members.select("iri", "canonical").iter_rows())[M3]
    assert names[F1].startswith("https://e.org/entity/")
    assert {one.canonical for one in merged.vocabulary.united} == {
        *(f"https://e.org/type/{name}" for name in ("film", "person")),
        *(f"https://e.org/attribute/{name}" for name in ("title", "year", "changed")),
        "https://e.org/relation/directed%20by",
    }


def test_names_with_too_little_weight_stay_two():
    assert f"{BASE}left/attribute/name" in merge_films().facts["attribute"]
    assert f"{BASE}right/attribute/called" not in merge_films(unite=0.3).facts["attribute"]


def test_of_rival_relations_the_one_that_agrees_is_united():
    left = graph([], [("city", "capital of", "land"), *((f"c{i}", "in", "land") for i in range(4))], [])
    right = graph([], [("land", "has", name) for name in ("city", "c0", "c1", "c2", "c3")], [])
    schema = SchemaMapping(
        types=(),
        relations=(
            RelationMapping("capital of", "has", inverse=True),
            RelationMapping("in", "has", inverse=True),
        ),
        attributes=(),
    )
    links = Links.of(left.ids, left.ids)
    (united,) = merge((Source(left), Source(right)), links, schema, options=MergeOptions()).vocabulary.united
    assert united.left == f"{BASE}left/relation/in"
    assert united.shared == 4


@pytest.mark.parametrize("prefer", ["left", "right", "mint"])
def test_a_name_that_both_graphs_have_is_itself_and_no_other_is_called_so(prefer):
    label, name, knows = "http://e.org/label", "http://e.org/name", "http://e.org/knows"
    facts = [(label, "Heat"), (name, "Heat")]
    left = graph([], [("a", knows, "b")], [("a", *facts[0], "")])
    right = graph([], [("x", knows, "y"), ("x", "met", "y")], [("x", *row, "") for row in facts])
    schema = SchemaMapping(
        types=(),
        relations=(RelationMapping(knows, knows, inverse=True), RelationMapping(knows, "met")),
        attributes=(AttributeMapping(label, name, 0.9), AttributeMapping(label, label, 0.8)),
    )
    options = MergeOptions(prefer=prefer)
    merged = merge((Source(left), Source(right)), Links.of(["a", "b"], ["x", "y"]), schema, options=options)
    said = {tuple(row) for row in merged.facts.select("attribute", "left", "right").iter_rows()}
    called = f"{BASE}attribute/label" if prefer == "mint" else label
    assert said == {(called, True, True), (name, False, True)}
    who = {(relation, left, right) for _, relation, _, left, right in edges(merged)}
    assert who == {(knows, True, True), (f"{BASE}right/relation/met", False, True)}


@pytest.mark.parametrize(
    ("policy", "title", "year"),
    [
        ("keep-all", {"Heat", "Heat (film)"}, {"1995", "1996"}),
        ("left", {"Heat"}, {"1995"}),
        ("right", {"Heat (film)"}, {"1996"}),
        ("longest", {"Heat (film)"}, {"1995"}),
        ("newest", {"Heat"}, {"1996"}),
        ("most-frequent", {"Heat"}, {"1995"}),
    ],
)
def test_a_policy_settles_what_differs_and_only_that(policy, title, year):
    merged = merge_films(policy=policy)
    plain = {value for value, tag in kept(merged, F1, TITLE) if not tag}
    assert plain == title
    assert kept(merged, F1, YEAR) == {(one, "") for one in year}
    assert {("Heat", "@en"), ("Hitze", "@de")} <= kept(merged, F1, TITLE)
    assert kept(merged, M3, TITLE) == {("Thief", "")}


def test_a_tie_goes_to_the_preferred_graph():
    assert kept(
        merge_films(policy="most-frequent", prefer="right"), M1, f"{BASE}right/attribute/release"
    ) == {("1996", "")}


@pytest.mark.parametrize("prefer", ["left", "right"])
def test_a_text_is_stated_by_all_who_state_it_whatever_its_datatype(prefer):
    left = graph([], [], [("http://e.org/a", "year", "1995", "")])
    years = [("http://e.org/a", "year", year, f"{XSD}gYear") for year in ("1994", "1995")]
    options = MergeOptions(policy="most-frequent", prefer=prefer)
    attributes = (AttributeMapping("year", "year"),)
    merged = merge(
        (Source(left), Source(graph([], [], years))),
        Links.of([], []),
        replace(NO_SCHEMA, attributes=attributes),
        options=options,
    )
    assert merged.facts.filter("chosen")["value"].to_list() == ["1995"]


def test_the_newest_value_is_that_of_the_record_changed_last():
    merged = merge_films(policies={"title": "newest"}, modified=("changed",))
    assert ("Heat (film)", "") in kept(merged, F1, TITLE)
    assert ("Heat", "") not in kept(merged, F1, TITLE)


def test_dates_are_read_as_each_graph_writes_them():
    left, right = (
        graph([], [], [(one, "changed", value, "") for one, value in said])
        for said in (
            [("a", "02/03/2000"), ("b", "07/13/1999"), ("c", "07/14/1999")],
            [("a", "01/03/2000"), ("b", "13/07/1999"), ("c", "14/07/1999")],
        )
    )
    options = MergeOptions(policies={"changed": "newest"})
    schema = replace(NO_SCHEMA, attributes=(AttributeMapping("changed", "changed"),))
    merged = merge((Source(left), Source(right)), Links.of(["a"], ["a"]), schema, options=options)
    chosen = merged.facts.filter("conflict", "chosen")["value"].to_list()
    assert chosen == ["01/03/2000"], "the first of March, after the third of February"


def test_a_policy_may_name_an_attribute_as_either_graph_does():
    for name in ("year", "release"):
        assert kept(merge_films(policies={name: "right"}), F1, YEAR) == {("1996", "")}


def test_equal_texts_with_other_datatypes_do_not_conflict():
    merged = merge_films(policy="longest", unite=0.3)
    facts = merged.facts.filter(entity=P1, attribute=f"{BASE}left/attribute/name")
    assert set(facts.filter("conflict")["value"]) == {"Michael Mann", "Mann, M."}
    left = graph([], [], [("a", "n", "1", "")])
    right = graph([], [], [("b", "n", "1", "http://www.w3.org/2001/XMLSchema#int")])
    same = merge((Source(left), Source(right)), Links.of(["a"], ["b"]), NO_SCHEMA, options=MergeOptions())
    assert not same.facts["conflict"].any()


def test_every_statement_of_either_graph_is_in_the_merged_one_or_set_aside():
    merged = merge_films(policy="longest")
    for side, source in (("left", FILMS), ("right", MOVIES)):
        tables = source.tables()
        assert len(merged.facts.filter(side)) == len(tables.facts)
        assert len(merged.edges.filter(side)) == len(tables.edges)
        assert len(merged.types.filter(side)) == len(tables.types)


def test_one_iri_in_both_graphs_is_one_entity_and_a_local_name_is_not():
    left = graph([("http://e.org/a", "t"), ("brand:x", "t")], [], [])
    right = graph([("http://e.org/a", "t"), ("brand:x", "t")], [], [])
    merged = merge((Source(left), Source(right)), Links.of([], []), NO_SCHEMA, options=MergeOptions())
    assert merged.clusters.same_iri == 1
    assert merged.types["entity"].n_unique() == 3


def test_a_blank_node_names_a_cluster_only_where_there_is_no_other():
    left, right = graph([("_:a", "t"), ("_:b", "t")], [], []), graph([("x", "t"), ("_:y", "t")], [], [])
    links = Links.of(["_:a", "_:b"], ["x", "_:y"])
    merged = merge((Source(left), Source(right)), links, NO_SCHEMA, options=MergeOptions())
    names = dict(merged.clusters.members.select("id", "canonical").iter_rows())
    assert names == {
        "_:a": to_iri("x", "right"),
        "x": to_iri("x", "right"),
        "_:b": to_iri("_:b", "left"),
        "_:y": to_iri("_:b", "left"),
    }


def components(pairs: list[tuple[str, str]]) -> set[frozenset[str]]:
    """The slow way: join any two groups that a pair connects, until nothing changes."""
    groups = {frozenset(pair) for pair in pairs}
    for _ in pairs:
        groups = {frozenset().union(*(other for other in groups if other & one)) for one in groups}
    return groups


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_clusters_are_the_connected_components(pairs):
    left = graph([(f"a{i}", "t") for i in range(10)], [], [])
    right = graph([(f"b{i}", "t") for i in range(10)], [], [])
    links = Links.of([f"a{i}" for i, _ in pairs], [f"b{j}" for _, j in pairs])
    merged = merge((Source(left), Source(right)), links, NO_SCHEMA, options=MergeOptions())
    found = {frozenset(ids) for _, ids in merged.clusters.members.group_by("cluster").agg("id").iter_rows()}
    assert found == components([(f"a{i}", f"b{j}") for i, j in pairs])
    canonical = merged.clusters.members
    for _, rows in canonical.group_by("cluster"):
        assert rows["canonical"].n_unique() == 1
        assert from_iri(rows["canonical"][0], "left") == min(one for one in rows["id"] if one[0] == "a")


def test_links_that_say_different_do_not_count():
    links = Links.of(["f1"], ["m1"], label=[0])
    merged = merge((Source(FILMS), Source(MOVIES)), links, MAPPING, options=MergeOptions())
    assert merged.clusters.members.is_empty()


def test_matches_of_unknown_entities_are_all_named():
    with pytest.raises(LinksError, match="2 faults") as told:
        merge(
            (Source(FILMS), Source(MOVIES)),
            Links.of(["f8", "f9"], ["m1", "m1"]),
            MAPPING,
            options=MergeOptions(),
        )
    assert "'f8'" in str(told.value)


def test_faults_of_options_are_told_with_the_way_out():
    with pytest.raises(ConfigError, match=r"neither graph has the attribute 'titel', 'x'\n.*'title'"):
        merge_films(policies={"titel": "left", "x": "left", "year": "left"})
    with pytest.raises(ConfigError, match=r"no policy: 'best', 'year=', '=left'"):
        parse_policies(["best", "year=", "=left", "year=newest"])
    with pytest.raises(ConfigError, match="is no IRI"):
        MergeOptions(base="no iri/")
    with pytest.raises(ConfigError, match="end it with"):
        MergeOptions(base="https://e.org/id")
    with pytest.raises(ConfigError, match="unite = 0"):
        MergeOptions(unite=0.0)


def test_policies_are_read_from_texts():
    assert parse_policies(["left", "a=b=newest"]) == ("left", {"a=b": "newest"})
    assert parse_policies([]) == ("keep-all", {})


def test_the_report_counts_conflicts_gains_and_what_deserves_a_look():
    told = reported(merge_films(policy="longest"))
    assert told["left"] == {"entities": 3, "statements": 12}
    assert told["merged"]["entities"] == 4
    assert told["merged"]["set_aside"] == 3
    by_name = {one["attribute"]: one for one in told["conflicts"]}
    assert by_name[YEAR]["entities"] == by_name[YEAR]["disjoint"] == 1
    assert by_name[YEAR]["examples"] == [
        {"entity": F1, "left": ["1995"], "right": ["1996"], "kept": ["1995"]}
    ]
    assert told["gained"]["left"]["entities"] == 2
    assert told["clusters"]["several_of_one_graph"] == 0


def test_clusters_with_several_entities_of_one_graph_are_told():
    told = reported(merge_films(pairs=(("f1", "m1"), ("f1", "m3"))))["clusters"]
    assert told["several_of_one_graph"] == 1
    assert told["examples"] == [{"left": ["f1"], "right": ["m1", "m3"]}]
    assert told["sizes"] == {"3": 1}


def test_properties_with_one_value_in_each_graph_and_two_in_the_merged_one_are_told():
    told = reported(merge_films())["functional"]
    assert [(one["name"], one["entities"]) for one in told if one["name"] == YEAR] == [(YEAR, 1)]
    assert not [one for one in told if one["name"] == DIRECTED]
    assert [one["name"] for one in reported(merge_films(policy="left"))["functional"]] == []


def test_declared_functional_properties_count_whatever_a_graph_holds():
    owl = "http://www.w3.org/2002/07/owl#FunctionalProperty"
    left = graph([("http://e.org/p", owl)], [], [("a", "http://e.org/p", v, "") for v in "12"])
    right = graph([], [], [("b", "http://e.org/q", "1", "")])
    merged = merge((Source(left), Source(right)), Links.of(["a"], ["b"]), NO_SCHEMA, options=MergeOptions())
    assert [one["name"] for one in reported(merged)["functional"]] == ["http://e.org/p"]


@pytest.mark.parametrize("prefer", ["left", "right", "mint"])
def test_declared_functional_properties_are_known_by_the_names_that_they_become(prefer):
    owl = "http://www.w3.org/2002/07/owl#FunctionalProperty"
    p, q = "http://e.org/p", "http://e.org/q"
    for declared in ("left", "right"):
        types = [[(name, owl)] if declared == side else [] for side, name in (("left", p), ("right", q))]
        left = graph(types[0], [], [("a", p, value, "") for value in "12"])
        right = graph(types[1], [], [("b", q, "1", "")])
        schema = replace(NO_SCHEMA, attributes=(AttributeMapping(p, q),))
        options = MergeOptions(prefer=prefer)
        merged = merge((Source(left), Source(right)), Links.of(["a"], ["b"]), schema, options=options)
        (found,) = reported(merged)["functional"]
        assert found["name"] == {"left": p, "right": q, "mint": f"{BASE}attribute/p"}[prefer]


@pytest.mark.parametrize(("declared", "told"), [("FunctionalProperty", 0), ("InverseFunctionalProperty", 1)])
def test_a_relation_that_is_turned_round_has_one_value_if_its_inverse_is_functional(declared, told):
    a, b = "http://a.org/", "http://b.org/"
    left = graph([], [(f"{a}land", f"{a}capital", f"{a}{city}") for city in "12"], [])
    right = graph(
        [(f"{b}of", f"http://www.w3.org/2002/07/owl#{declared}")],
        [(f"{b}{city}", f"{b}of", f"{b}land") for city in "12"],
        [],
    )
    links = Links.of([f"{a}{one}" for one in ("land", "1", "2")], [f"{b}{one}" for one in ("land", "1", "2")])
    schema = replace(NO_SCHEMA, relations=(RelationMapping(f"{a}capital", f"{b}of", inverse=True),))
    merged = merge((Source(left, rdf=True), Source(right, rdf=True)), links, schema, options=MergeOptions())
    assert {head for head, _, _, _, _ in edges(merged)} == {f"{a}land"}
    assert len(reported(merged)["functional"]) == told


RDFS, OWL = "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2002/07/owl#"


def declaring(base: str) -> KnowledgeGraph:
    """An item and its maker, whose class, relations and attribute are declared; a class is an entity too."""
    item, made, makes, title, many = (base + name for name in ("Item", "made", "makes", "title", "Many"))
    return graph(
        [
            (f"{base}1", item),
            *((one, f"{OWL}Class") for one in (item, many)),
            (many, f"{base}Topic"),
            *((one, f"{OWL}ObjectProperty") for one in (made, makes)),
            (title, f"{OWL}DatatypeProperty"),
        ],
        [
            (f"{base}1", made, f"{base}2"),
            (f"{base}2", makes, f"{base}1"),
            (item, f"{RDFS}subClassOf", f"{base}Thing"),
            *((one, f"{RDFS}domain", item) for one in (made, title)),
            (makes, f"{RDFS}range", item),
        ],
        [(f"{base}1", title, "One", ""), (item, f"{RDFS}label", base, "@en")],
    )


def test_what_is_said_of_a_class_or_property_is_said_of_what_it_is_called_now():
    a, b = "http://a.org/", "http://b.org/"
    schema = SchemaMapping(
        types=(TypeMapping(f"{a}Item", f"{b}Item", 1.0), TypeMapping(f"{a}Topic", f"{b}Many", 1.0)),
        relations=(RelationMapping(f"{a}made", f"{b}makes", inverse=True, weight=1.0),),
        attributes=(AttributeMapping(f"{a}title", f"{b}title", 1.0),),
    )
    sources = Source(declaring(a), rdf=True), Source(declaring(b), rdf=True)
    merged = merge(sources, Links.of([f"{a}1"], [f"{b}1"]), schema, options=MergeOptions())
    found = edges(merged)
    assert (f"{a}Item", f"{RDFS}subClassOf", f"{b}Thing", False, True) in found
    assert (f"{a}title", f"{RDFS}domain", f"{a}Item", True, True) in found
    assert (f"{a}made", f"{RDFS}domain", f"{a}Item", True, False) in found
    # Turned round, its range would be a domain.
    assert (f"{b}makes", f"{RDFS}range", f"{a}Item", False, True) in found
    assert kept(merged, f"{a}Item", f"{RDFS}label") == {(a, "@en"), (b, "@en")}
    assert f"{b}Many" in merged.types["entity"]
    assert f"{b}Item" not in {*merged.types["entity"], *merged.facts["entity"]}


def test_a_property_with_another_name_for_its_values_keeps_its_own():
    a, b = "http://a.org/", "http://b.org/"
    place = f"{b}place"
    left = graph([], [], [(f"{a}1", f"{a}born", "Ely", "")])
    right = graph(
        [(place, f"{OWL}ObjectProperty")], [(f"{b}1", place, f"{b}2")], [(f"{b}1", place, "Ely", "")]
    )
    schema = replace(NO_SCHEMA, attributes=(AttributeMapping(f"{a}born", place),))
    merged = merge(
        (Source(left, rdf=True), Source(right, rdf=True)),
        Links.of([f"{a}1"], [f"{b}1"]),
        schema,
        options=MergeOptions(),
    )
    assert place in merged.types["entity"]
    assert set(merged.facts["attribute"]) == {f"{a}born"}
