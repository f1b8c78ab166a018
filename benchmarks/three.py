"""Three real graphs out of two pairs that share one: ISO's countries, an English list and a German one."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crossgraph.config import load_config
from crossgraph.evaluation import evaluate_result
from crossgraph.graphs import KnowledgeGraph, read_pair
from crossgraph.graphs.content import ContentKeys
from crossgraph.graphs.links import read_links
from crossgraph.graphs.openea import write_openea
from crossgraph.layout import ResultFolder
from crossgraph.many.align import ManyInputs, align_many
from crossgraph.results import read_matches, read_scores
from crossgraph.stages import cpu_seconds

NAMES = ("iso", "english", "german")


@dataclass(frozen=True)
class Three:
    """Folders of three graphs; files of known links and of gold, by the two numbers of their graphs."""

    graphs: tuple[Path, Path, Path]
    links: dict[str, Path]
    gold: dict[str, Path]


def three(data: Path, out: Path) -> Three:
    """Write the three graphs, links that are known (30%), and the others as gold, into ``out``."""
    english, german = data / "countries_en_en", data / "countries_en_de"
    pairs = read_pair(english), read_pair(german)
    same = same_entities(pairs[1][0], pairs[0][0])
    graphs = (pairs[0][0], pairs[0][1], pairs[1][1])
    folders = tuple(out / name for name in NAMES)
    for folder, graph in zip(folders, graphs, strict=True):
        folder.mkdir(parents=True)
        write_openea(graph.tables(), folder, 1)
    known, gold = {}, {}
    for key, folder in (("1-2", english), ("1-3", german)):
        fold = folder / "721_5fold" / "1"
        parts = {
            "known": read_links(fold / "train_links", fold / "valid_links"),
            "gold": read_links(fold / "test_links"),
        }
        for name, links in parts.items():
            table = links.table().select("left", "right")
            if key == "1-3":
                table = table.with_columns(pl.col("left").replace_strict(same, default=None)).drop_nulls()
            (known if name == "known" else gold)[key] = write(table, out / f"{name}_{key}.tsv")
    through = [
        pl.concat(
            pl.read_csv(file, separator="\t", has_header=False, new_columns=["left", "right"])
            for file in (known[key], gold[key])
        )
        for key in ("1-2", "1-3")
    ]
    composed = through[0].join(through[1], on="left").select(left="right", right="right_right")
    gold["2-3"] = write(composed, out / "gold_2-3.tsv")
    return Three(folders, known, gold)


def same_entities(graph: KnowledgeGraph, other: KnowledgeGraph) -> dict[str, str]:
    """Which entity of a graph is which of another that says the same under other identifiers."""
    keys = [ContentKeys(one).refined() for one in (graph, other)]
    tables = [
        pl.DataFrame({"key": key, "type": one.primary_types, "id": one.ids}).filter(
            pl.len().over("key", "type") == 1
        )
        for key, one in zip(keys, (graph, other), strict=True)
    ]
    both = tables[0].join(tables[1], on=["key", "type"])
    return dict(zip(both["id"], both["id_right"], strict=True))


def write(table: pl.DataFrame, file: Path) -> Path:
    """Write pairs, tab-separated without a header."""
    table.write_csv(file, separator="\t", include_header=False, quote_style="never")
    return file


def figures(result: Path, gold: dict[str, Path]) -> list[dict[str, str]]:
    """For each pair of graphs: how good its scores are, its own decisions, and those of the clusters."""
    rows = []
    for key, file in gold.items():
        links, pair = read_links(file), ResultFolder(result / "pairs" / key)
        scores = read_scores(pair.scores_file)
        own = evaluate_result(scores, read_matches(pair.matches_file), gold=links).overall
        agreed = pl.read_ndjson(result / "matches" / f"{key}.jsonl").with_columns(probability=pl.lit(1.0))
        both = evaluate_result(scores, agreed, gold=links).overall
        row = {"pair": key, "PRAUC": f"{own.prauc:.4f}"}
        for name, found in (("alone", own), ("clusters", both)):
            row[name] = f"{found.f1:.4f} ({found.precision:.4f}, {found.recall:.4f})"
        rows.append(row)
    return rows


def main() -> None:
    """Align the three graphs and print what each pair has, alone and in clusters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with countries_en_en and countries_en_de")
    parser.add_argument("--links", nargs="*", default=["1-2", "1-3"], help="pairs of graphs with known links")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        given = three(asked.data, Path(scratch) / "graphs")
        links = {(int(key[0]), int(key[2])): (given.links[key],) for key in asked.links}
        for seed in asked.seeds:
            out = Path(scratch) / f"RESULT{seed}"
            before = cpu_seconds()
            done = align_many(
                ManyInputs(graphs=given.graphs, links=links), out, config=load_config(None, [], seed=seed)
            )
            print(f"seed {seed}, {cpu_seconds() - before:.0f} CPU s, {done.summary}")
            for row in figures(out, given.gold):
                print("| " + " | ".join([str(seed), *row.values()]) + " |")


if __name__ == "__main__":
    main()
