"""A RESULT that follows changes: none changes nothing, what is taken back never was, people's word stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyoxigraph as ox
import pytest
from typer.testing import CliRunner

from crossgraph.blocking.combine import type_members
from crossgraph.blocking.ranking import ranks
from crossgraph.blocking.singles import left_has_room, shares_among
from crossgraph.cli import app
from crossgraph.config import load_config
from crossgraph.errors import NoCandidatesError, ResultError
from crossgraph.explaining.answer import explain
from crossgraph.explaining.reopening import reopen
from crossgraph.graphs import KnowledgeGraph, ReadOptions, read_pair
from crossgraph.graphs.changes import Changes, inverse, statements_of
from crossgraph.graphs.quads import TYPE
from crossgraph.ground import Ground
from crossgraph.inputs import inputs_of
from crossgraph.layout import ResultFolder
from crossgraph.pipeline import Inputs, align
from crossgraph.results import read_matches, read_scores
from crossgraph.reviewing.ledger import Ledger, Saying
from crossgraph.scored import settled
from crossgraph.updating import blocking
from crossgraph.updating.blocking import Reblocked, Reblocker
from crossgraph.updating.update import ChangeFiles, update
from noted import Notes

if TYPE_CHECKING:
    from conftest import Pair

RDFS, OWL = "http://www.w3.org/2000/01/rdf-schema#", "http://www.w3.org/2002/07/owl#"
QUICK = load_config(
    None,
    [
        *("training.steps=4", "training.epochs=1", "training.batch=32", "model.width=16"),
        *("training.scorer_steps=20", "training.scorer_epochs=1", "training.scorer_batch=32"),
        *("blocking.per_entity=8", "scorer.hidden=8"),
    ],
)


@pytest.fixture(scope="module")
def aligned(mid_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aligned")
    links = folder / "links.tsv"
    links.write_text("".join(f"{a}\t{b}\n" for a, b in mid_pair.truth[::3]))
    return align(Inputs(left=mid_pair.write(folder / "g"), links=(links,)), folder / "R", config=QUICK).path


@pytest.fixture(scope="module")
def changes(mid_pair: Pair) -> tuple[Changes, Changes]:
    """On each side one entity goes, one comes, one changes its names, and one loses an edge."""
    both = []
    for side, graph in enumerate(mid_pair.graphs):
        tables = graph.tables()
        ids = [pair[side] for pair in mid_pair.truth[1::3]]
        gone = statements_of(graph.about(pl.Series(ids[:1])))
        told = tables.facts.filter(pl.col("entity") == ids[1])
        old = told.select(kind=pl.lit("fact"), entity="entity", name="attribute", value="value", tag="tag")
        edge = statements_of(graph.about(pl.Series(ids[2:3]))).filter(pl.col("kind") == "edge").head(1)
        twin = statements_of(graph.about(pl.Series(ids[3:4]))).filter(pl.col("entity") == ids[3])
        new = twin.with_columns(entity=pl.lit(f"{ids[3]}-new"))
        deleted = pl.concat([gone, old, edge]).unique()
        added = pl.concat([new, old.with_columns(value=pl.lit("Zanzibar ") + pl.col("value"))])
        both.append(Changes(added.unique(), deleted))
    return both[0], both[1]


def files(changes: tuple[Changes, Changes], folder: Path) -> ChangeFiles:
    folder.mkdir(exist_ok=True)
    for side, one in zip(("left", "right"), changes, strict=True):
        one.rows().write_csv(folder / f"{side}.csv")
    return ChangeFiles(folder / "left.csv", folder / "right.csv")


@pytest.fixture(scope="module")
def updated(
    aligned: Path, changes: tuple[Changes, Changes], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("updated")
    return update(aligned, files(changes, folder / "files"), folder / "U").path


def told(result: Path) -> tuple[bytes, bytes]:
    """Scores and matches, to the byte."""
    folder = ResultFolder(result)
    return folder.scores_file.read_bytes(), folder.matches_file.read_bytes()


def workings(result: Path) -> dict[str, np.ndarray]:
    with np.load(ResultFolder(result).workings_file) as stored:
        return dict(stored)


def raw(result: Path) -> pl.DataFrame:
    """What the last round said of each candidate before calibration, which rivals take part in."""
    graphs, kept = read_pair(*_graphs(result)), workings(result)
    ids = [graph.ids.gather(kept[side]) for graph, side in zip(graphs, ("left", "right"), strict=True)]
    return pl.DataFrame({"left": ids[0], "right": ids[1], "raw": kept["raw"][-1]})


def matched(result: Path) -> set[tuple[str, str]]:
    return set(read_matches(ResultFolder(result).matches_file).select("left", "right").iter_rows())


def scores(result: Path) -> pl.DataFrame:
    return read_scores(ResultFolder(result).scores_file).select("left", "right", "probability")


def test_no_change_changes_nothing(aligned, tmp_path):
    done = update(aligned, ChangeFiles(), tmp_path / "U")
    assert told(done.path) == told(aligned)
    before, after = workings(aligned), workings(done.path)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before.keys() - {"card"})
    assert done.report["updated"]["candidates"]["scored_again"] == 0
    assert read_pair(*_graphs(done.path))[0].fingerprint() == read_pair(*_graphs(aligned))[0].fingerprint()


def _graphs(result: Path) -> tuple[Path, Path | None]:
    inputs = inputs_of(ResultFolder(result))
    return inputs.left, inputs.right


def test_what_is_taken_back_never_was(aligned, updated, changes, tmp_path):
    back = files(tuple(inverse(one) for one in changes), tmp_path / "back")
    again = update(updated, back, tmp_path / "U")
    assert told(updated) != told(aligned)
    assert told(again.path) == told(aligned)
    assert again.report["updated"]["since_aligned"]["left"] == {"added": 0, "deleted": 0}


def test_one_step_or_two_come_to_the_same(aligned, updated, changes, tmp_path):
    nothing = Changes.nothing()
    first = update(aligned, files((changes[0], nothing), tmp_path / "one"), tmp_path / "U")
    second = update(first.path, files((nothing, changes[1]), tmp_path / "two"))
    assert second.path == first.path
    assert told(second.path) == told(updated)


def test_all_that_a_score_is_made_of_is_made_again_as_it_was(aligned, tmp_path):
    """With nothing changed, scoring all again gives what the alignment gave: statistics and folds stay."""
    whole = update(aligned, ChangeFiles(), tmp_path / "W", everything=True)
    assert whole.report["updated"]["candidates"]["reused"] == 0
    both = raw(aligned).join(raw(whole.path), on=["left", "right"])
    assert len(both) == len(raw(aligned)) == len(raw(whole.path))
    assert np.allclose(both["raw"], both["raw_right"], atol=1e-4)
    assert matched(whole.path) == matched(aligned)


def test_it_comes_near_to_what_scoring_all_again_gives(aligned, updated, changes, tmp_path):
    whole = update(aligned, files(changes, tmp_path / "files"), tmp_path / "W", everything=True)
    both = scores(updated).join(scores(whole.path), on=["left", "right"])
    apart = (both["probability"] - both["probability_right"]).abs()
    part = json.loads(ResultFolder(updated).report_file.read_text())["updated"]["candidates"]
    assert 0 < part["scored_again"] < 0.5 * (part["scored_again"] + part["reused"])
    assert len(both) == len(scores(updated)) == len(scores(whole.path))
    assert apart.quantile(0.99) < 0.02
    assert len(matched(updated) ^ matched(whole.path)) <= 0.02 * len(matched(updated))


def test_who_is_not_touched_looks_as_before(aligned, updated, changes, tmp_path):
    """What networks saw is read, and it is what they see: an update without it is as good as equal."""
    found = {}
    for name, make in (("gone", None), ("unknown", np.nan), ("wrong", 1.0)):
        result = Path(shutil.copytree(aligned, tmp_path / name))
        seen = list(ResultFolder(result).ground_folder.glob("seen_*.npy"))
        assert len(seen) == 4
        for file in seen:
            if make is None:
                file.unlink()
            else:
                np.save(file, np.full_like(np.load(file), make))
        found[name] = raw(update(result, files(changes, tmp_path / "files")).path)
    both = found["gone"].join(raw(updated), on=["left", "right"])
    assert len(both) == len(found["gone"]) == len(raw(updated))
    assert np.allclose(both["raw"], both["raw_right"], atol=0.02)
    assert np.allclose(found["gone"]["raw"], found["unknown"]["raw"], atol=1e-4)
    assert not np.allclose(found["gone"]["raw"], found["wrong"]["raw"], atol=0.02)


def test_damaged_vectors_are_told(aligned, tmp_path):
    result = Path(shutil.copytree(aligned, tmp_path / "R"))
    file = ResultFolder(result).ground_folder / "seen_1_right.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ResultError, match=r"seen_1_right\.npy cannot be read"):
        update(result, ChangeFiles())


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Reblocker, Reblocked]]:
    """Who blocks again in an update, and what comes of it."""
    found: list[tuple[Reblocker, Reblocked]] = []
    block = Reblocker.reblocked

    def spied(self: Reblocker) -> Reblocked:
        found.append((self, block(self)))
        return found[-1][1]

    monkeypatch.setattr(Reblocker, "reblocked", spied)
    return found


def test_who_is_not_blocked_again_takes_in_only_whom_it_may_be(
    aligned, changes, tmp_path, monkeypatch, caught
):
    update(aligned, files(changes, tmp_path / "files"), tmp_path / "U")
    (blocker, found), fresh = caught[0], lambda one: int((one.former < 0).sum())
    pairs = found.candidates
    late, sides = (found.former < 0) & pairs.proposed, (pairs.left, pairs.right)
    for _, members in type_members(*blocker.graphs, blocker.schema):
        own = np.flatnonzero(members[0][pairs.left] & members[1][pairs.right])
        by_left = left_has_room(blocker.graphs, members)
        asking = sides[0 if by_left else 1][own]
        settled = late[own] & ~blocker.touched[0 if by_left else 1].blocked[asking]
        shares = shares_among(pairs.take(own), (True, True))
        assert ((ranks(asking, pairs.prior[own]) == 0) | (shares >= 0.001))[settled].all()
    for always, more in ((True, 1), (False, -1)):
        monkeypatch.setattr(blocking, "welcome", lambda asking, *_, say=always: np.full(len(asking), say))
        assert np.sign(fresh(blocker.reblocked()) - fresh(found)) == more


def test_a_known_pair_that_finds_no_room_stays_as_it_was_weighed(
    aligned, changes, tmp_path, monkeypatch, caught
):
    monkeypatch.setattr(blocking, "best_of_each", lambda pool, *_, **__: pool.take(np.zeros(len(pool), bool)))
    update(aligned, files(changes, tmp_path / "files"), tmp_path / "U")
    (blocker, found) = caught[0]
    was, now, known = blocker.before.candidates, found.candidates, blocker.known.pairs
    at, before = now.find(known.left, known.right), was.find(known.left, known.right)
    assert (at >= 0).all()
    fresh = blocker.touched[0].blocked[known.left] | blocker.touched[1].blocked[known.right]
    pushed = (before >= 0) & ~fresh & ~now.proposed[at] & was.proposed[before]
    assert pushed.any()
    for name in ("prior", "name", "structure"):
        np.testing.assert_array_equal(getattr(now, name)[at[pushed]], getattr(was, name)[before[pushed]])


def test_pairs_far_from_any_change_keep_their_scores_to_the_bit(aligned, updated):
    both = raw(updated).join(raw(aligned), on=["left", "right"])
    part = json.loads(ResultFolder(updated).report_file.read_text())["updated"]["candidates"]
    assert (both["raw"] == both["raw_right"]).sum() >= part["reused"] > 0


def test_all_pairs_are_set_against_each_other_as_they_are_now(updated):
    opened = reopen(updated)
    for step, one in zip(opened.model.rounds, opened.rounds, strict=True):
        score, probability = settled(step, one.raw, opened.contest)
        assert np.array_equal(score, one.score)
        assert np.array_equal(probability, one.probability)
    ids = [
        graph.ids.gather(side.astype(np.int64))
        for graph, side in zip(opened.preparation.graphs, opened.contest.sides, strict=True)
    ]
    last = pl.DataFrame({"left": ids[0], "right": ids[1], "probability": probability})
    assert last.sort("left", "right").equals(scores(updated).sort("left", "right"))


def test_who_is_gone_has_no_matches_and_who_came_has(aligned, updated, mid_pair):
    gone = mid_pair.truth[1]
    assert gone in set(scores(aligned).select("left", "right").iter_rows())
    rows = scores(updated)
    assert not ((rows["left"] == gone[0]) | (rows["right"] == gone[1])).any()
    came = tuple(f"{one}-new" for one in mid_pair.truth[10])
    assert came in set(rows.select("left", "right").iter_rows())


def test_whose_type_corresponds_to_none_any_more_is_compared_with_nobody(aligned, mid_pair, tmp_path):
    entity = mid_pair.truth[1][0]
    rows = statements_of(mid_pair.left.about(pl.Series([entity])))
    types = rows.filter(pl.col("kind") == "type")
    assert entity in scores(aligned)["left"]
    file = files((Changes(types.clear(), types), Changes.nothing()), tmp_path / "files").left
    found = scores(update(aligned, ChangeFiles(left=file), tmp_path / "U").path)
    assert len(found)
    assert entity not in found["left"]


def test_what_people_decided_stays(aligned, changes, mid_pair, tmp_path):
    result = Path(shutil.copytree(aligned, tmp_path / "R"))
    same, different = (mid_pair.truth[2][0], mid_pair.truth[5][1]), mid_pair.truth[0]
    assert same not in matched(result)
    assert different in matched(result)
    for pair, verdict in ((same, "same"), (different, "different")):
        Ledger(ResultFolder(result).ledger_file).record(
            Saying(who="ann", left=pair[0], right=pair[1], verdict=verdict)
        )
    new = update(result, files(changes, tmp_path / "files"), tmp_path / "NEW").path
    update(result, files(changes, tmp_path / "files"))
    for one in (new, result):
        assert same in matched(one)
        assert different not in matched(one)
        assert len(Ledger(ResultFolder(one).ledger_file).entries()) == 2
    assert told(new) == told(result)


def test_an_answer_that_is_taken_back_is_forgotten(aligned, updated, changes, mid_pair, tmp_path):
    result = Path(shutil.copytree(aligned, tmp_path / "R"))
    same, ledger = (mid_pair.truth[2][0], mid_pair.truth[5][1]), Ledger(ResultFolder(result).ledger_file)
    ledger.record(Saying(who="ann", left=same[0], right=same[1], verdict="same"))
    assert same in matched(update(result, files(changes, tmp_path / "files")).path)
    ledger.undo("ann")
    update(result, ChangeFiles())
    assert same not in matched(result)
    assert told(result) == told(updated)


def test_new_links_come_as_answers_even_of_who_is_not_there_yet(
    aligned, updated, changes, mid_pair, tmp_path
):
    result = Path(shutil.copytree(aligned, tmp_path / "R"))
    came = f"{mid_pair.truth[1::3][3][0]}-new"
    same = (came, mid_pair.truth[5][1])
    assert came not in read_pair(*_graphs(result))[0].ids
    different = min(pair for pair in matched(updated) if pair[1] != same[1] and pair in matched(result))
    links = tmp_path / "links.csv"
    links.write_text("left,right,label\n" + ",".join(same) + ",1\n" + ",".join(different) + ",0\n")
    said = CliRunner().invoke(app, ["review", str(result), "--import", str(links), "--name", "ann"])
    assert said.exit_code == 0, said.output
    found = matched(update(result, files(changes, tmp_path / "files")).path)
    assert same in found
    assert different not in found


def test_other_verbs_read_the_graphs_as_they_are_now(updated, mid_pair, tmp_path):
    result = Path(shutil.copytree(updated, tmp_path / "MOVED"))
    graphs = read_pair(*_graphs(result))
    assert graphs[0].position(mid_pair.truth[1][0]) < 0
    left, right, chance = scores(result).row(0)
    assert explain(result, left, right).explanation.probability == pytest.approx(chance, abs=0.05)
    merged = CliRunner().invoke(app, ["merge", str(result), "--out", str(tmp_path / "m.nq"), "--quiet"])
    assert merged.exit_code == 0, merged.stderr


def test_what_changes_nothing_is_told(aligned, mid_pair, tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(
        f"change,kind,entity,name,value\ndeleted,entity,nobody,,\ndeleted,type,{mid_pair.truth[0][0]},,x\n"
    )
    notes = Notes()
    done = update(aligned, ChangeFiles(left=file), tmp_path / "U", progress=notes)
    assert told(done.path) == told(aligned)
    assert any("'nobody'" in note for note in notes.notes)
    assert any("c.csv:3: 1 deleted statements are not there" in note for note in notes.notes)


def test_who_comes_with_another_name_is_found_by_what_both_share(tmp_path):
    names = [
        f"{first} {second}"
        for first in ("Northern", "Silver", "Old", "Quick", "Harbour", "Amber")
        for second in ("Foods", "Pine", "Mill", "Couriers", "Light")
    ]
    firms = [(name, f"Town{at % 5}", f"{13 + at % 15}/07/{1950 + at}") for at, name in enumerate(names)]
    head = "id,name,town,opened\n"
    for side, rows in (("left", firms), ("right", [*firms, ("Zephyr Quark Exports", "Town3", "07/09/1901")])):
        told = (f"{side[0]}{at},{','.join(row)}\n" for at, row in enumerate(rows))
        (tmp_path / f"{side}.csv").write_text(head + "".join(told))
    first = align(
        Inputs(left=tmp_path / "left.csv", right=tmp_path / "right.csv"), tmp_path / "R", config=QUICK
    )
    changes = tmp_path / "changes.csv"
    changes.write_text(
        "change,kind,entity,name,value\nadded,type,new,,record\n"
        + "".join(
            f"added,fact,new,{name},{value}\n"
            for name, value in (("name", "ZQE"), ("town", "Town3"), ("opened", "07/09/1901"))
        )
    )
    after = update(first.path, ChangeFiles(left=changes), tmp_path / "U").path
    pairs = set(scores(after).select("left", "right").iter_rows())
    assert ("new", f"r{len(firms)}") in pairs
    ground = Ground.load(ResultFolder(after).ground_folder, None)
    (opened,) = (one for one in ground.description.left if one.name == "opened")
    assert opened.day_first


def test_a_graph_of_which_nothing_is_left_is_told(aligned, mid_pair, tmp_path):
    rows = statements_of(mid_pair.left.tables())
    file = files((Changes(Changes.nothing().added, rows), Changes.nothing()), tmp_path / "files").left
    with pytest.raises(NoCandidatesError, match="no two entities to compare"):
        update(aligned, ChangeFiles(left=file), tmp_path / "U")


def test_a_result_that_kept_nothing_is_refused(aligned, tmp_path):
    result = Path(shutil.copytree(aligned, tmp_path / "R"))
    shutil.rmtree(ResultFolder(result).ground_folder)
    with pytest.raises(ResultError, match="kept nothing for updates"):
        update(result, ChangeFiles())
    assert told(result) == told(aligned)
    assert {path.name for path in tmp_path.iterdir()} == {"R"}


def node(name: str) -> ox.NamedNode:
    """Most names with a host, some with a scheme alone, which only RDF takes for an IRI."""
    return ox.NamedNode(f"did:{name}" if name.endswith("7") else f"http://e.org/{name.replace(' ', '_')}")


def triples(graph: KnowledgeGraph) -> set[ox.Triple]:
    """A graph as RDF that declares its classes and attributes."""
    tables, kind = graph.tables(), ox.NamedNode(TYPE)
    label, thing = ox.NamedNode(f"{RDFS}label"), ox.NamedNode(f"{OWL}Thing")
    found = {ox.Triple(node(a), kind, one) for a, b in tables.types.iter_rows() for one in (node(b), thing)}
    found |= {ox.Triple(node(a), node(b), node(c)) for a, b, c in tables.edges.iter_rows()}
    found |= {ox.Triple(node(a), node(b), ox.Literal(c)) for a, b, c, _ in tables.facts.iter_rows()}
    for what, names in (("Class", graph.type_names), ("FunctionalProperty", graph.attribute_names)):
        found |= {ox.Triple(node(name), kind, ox.NamedNode(f"{OWL}{what}")) for name in names}
        found |= {ox.Triple(node(name), label, ox.Literal(name)) for name in names}
    return found


@pytest.fixture(scope="module")
def rdf(mid_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> tuple[set[ox.Triple], set[ox.Triple]]:
    return triples(mid_pair.left), triples(mid_pair.right)


@pytest.fixture(scope="module", params=[False, True], ids=["as they are", "names from IRIs"])
def of_rdf(
    request: pytest.FixtureRequest,
    mid_pair: Pair,
    rdf: tuple[set[ox.Triple], set[ox.Triple]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("rdf")
    files = folder / "left.nt", folder / "right.ttl"
    for file, rows, form in zip(files, rdf, (ox.RdfFormat.N_TRIPLES, ox.RdfFormat.TURTLE), strict=True):
        ox.serialize(rows, str(file), form)
    links = folder / "links.tsv"
    known = mid_pair.truth[::3]
    links.write_text("".join(f"{node(a).value}\t{node(b).value}\n" for a, b in known))
    read = ReadOptions(names_from_iri=request.param)
    return align(
        Inputs(left=files[0], right=files[1], links=(links,), read=read), folder / "R", config=QUICK
    ).path


def written(result: Path, out: Path, *args: str) -> set[ox.Quad]:
    """What merge writes, but for the names of files and what they held."""
    done = CliRunner().invoke(app, ["merge", str(result), "--out", str(out), *args])
    assert done.exit_code == 0, done.output
    names = {f"http://purl.org/dc/terms/{name}" for name in ("title", "identifier")}
    return {quad for quad in ox.parse(path=str(out)) if quad.predicate.value not in names}


def test_what_did_not_change_merges_to_what_it_merged_to(of_rdf, rdf, tmp_path):
    before = written(of_rdf, tmp_path / "before.nq")
    result = update(of_rdf, ChangeFiles(), tmp_path / "U").path
    assert written(result, tmp_path / "after.nq") == before
    parts = CliRunner().invoke(app, ["unmerge", str(tmp_path / "after.nq"), "--out", str(tmp_path / "parts")])
    assert parts.exit_code == 0, parts.output
    for side, rows in zip(("left", "right"), rdf, strict=True):
        assert {quad.triple for quad in ox.parse(path=str(tmp_path / "parts" / f"{side}.nt"))} == rows
    for name, one in (("before.nt", of_rdf), ("after.nt", result)):
        done = CliRunner().invoke(app, ["export", str(one), "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
    assert (tmp_path / "after.nt").read_text() == (tmp_path / "before.nt").read_text()
    assert "<did:" in (tmp_path / "after.nt").read_text()


def test_what_changed_merges_as_the_changed_files_do(of_rdf, rdf, mid_pair, tmp_path):
    """Also an entity that goes statement by statement, and a declaration."""
    gone, other = (node(mid_pair.truth[at][0]) for at in (1, 4))
    label, attribute = ox.NamedNode(f"{RDFS}label"), node(mid_pair.left.attribute_names[0])
    deleted = {one for one in rdf[0] if gone in (one.subject, one.object)}
    deleted |= {one for one in rdf[0] if one.subject == attribute and one.predicate == label}
    added = {ox.Triple(other, attribute, ox.Literal("Zanzibar"))}
    patch, files = tmp_path / "left.rdfp", (tmp_path / "left.nt", tmp_path / "right.nt")
    patch.write_text(
        "".join(f"{sign} {one} .\n" for sign, rows in (("D", deleted), ("A", added)) for one in rows)
    )
    for file, rows in zip(files, (rdf[0] - deleted | added, rdf[1]), strict=True):
        ox.serialize(rows, str(file), ox.RdfFormat.N_TRIPLES)
    notes = Notes()
    result = update(of_rdf, ChangeFiles(left=patch), tmp_path / "U", progress=notes).path
    assert not notes.notes
    fresh = written(result, tmp_path / "fresh.nq", "--graphs", *map(str, files))
    assert written(result, tmp_path / "after.nq") == fresh
    again = update(result, ChangeFiles()).path
    assert written(again, tmp_path / "again.nq") == fresh
