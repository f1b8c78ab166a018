from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from crossgraph.benchmarking.problem import Hidden, problems, read_case, without_facts
from crossgraph.config import load_config
from crossgraph.errors import InputError
from crossgraph.graphs.links import read_links
from crossgraph.schema.seeds import type_codes


def of(case, *seeds, sets=()):
    return list(problems(case, [load_config(None, sets, seed=seed) for seed in seeds or (0,)]))


def count(files):
    return len(read_links(*files).positives().table())


def facts(graph):
    return graph.tables().facts.sort("entity", "attribute", "value")


class TestHiddenFacts:
    def test_are_gone_and_all_others_stay(self, mid_pair):
        before = facts(mid_pair.left)
        films = mid_pair.left.tables().types.filter(type="film")["entity"].sort()
        order = np.random.default_rng(0).permutation(len(films))[: int(0.4 * len(films))]
        loses = pl.col("entity").is_in(films.gather(order).implode()) & (pl.col("attribute") == "title")
        hidden = Hidden(type="film", attributes=("title",), share=0.4)
        assert facts(without_facts(mid_pair.left, hidden)).equals(before.filter(~loses))
        assert 0 < before.filter(loses).height < len(films)

    def test_leave_the_right_graph_as_it_is(self, case, mid_pair):
        hidden = Hidden(type="film", attributes=("title", "year"))
        left, right = read_case(replace(case, hidden=(hidden,)))
        assert facts(right).equals(facts(mid_pair.right))
        assert set(facts(left)["attribute"]) == {"name", "born"}

    def test_add_up(self, case):
        one, other = (Hidden(type="film", attributes=(name,)) for name in ("title", "year"))
        both = Hidden(type="film", attributes=("title", "year"))
        apart, together = (read_case(replace(case, hidden=h))[0] for h in ((one, other), (both,)))
        assert facts(apart).equals(facts(together))

    def test_that_do_not_exist_are_told_all_at_once(self, mid_pair):
        with pytest.raises(InputError, match="no book, isbn, which"):
            without_facts(mid_pair.left, Hidden(type="book", attributes=("isbn", "title")))


class TestLinks:
    def test_asked_are_those_of_valid_and_the_counting_ones_that_are_not_known(self, problem, case):
        candidates = problem.candidates
        graphs = problem.preparation.graphs
        gold = read_links(*case.test).resolve(*graphs).positives()
        counts = np.isin(candidates.left, gold[:, 0]) | np.isin(candidates.right, gold[:, 1])
        counts[problem.train.places] = counts[problem.valid.places] = False
        assert np.array_equal(problem.asked[problem.judged], np.flatnonzero(counts))
        assert np.array_equal(problem.asked[~problem.judged], problem.valid.places)
        assert (np.diff(problem.asked) > 0).all()

    def test_no_label_to_learn_from_is_asked(self, problem):
        assert not np.isin(problem.train.places, problem.asked).any()
        assert not np.isin(problem.train.places, problem.valid.places).any()

    def test_the_judge_knows_the_matches_of_valid_and_test(self, problem, case):
        gold = read_links(*case.valid, *case.test).resolve(*problem.preparation.graphs).positives()
        places = problem.candidates.find(gold[:, 0], gold[:, 1])
        assert np.array_equal(problem.asked[problem.same], np.intersect1d(places, problem.asked))
        assert np.array_equal(problem.same[~problem.judged], problem.valid.same)
        assert problem.total == count(case.test)

    def test_candidates_know_nothing_of_valid_and_test(self, problem, case):
        blind = of(replace(case, valid=(), test=case.train), sets=("blocking.least_chance=0",))[0]
        assert np.array_equal(problem.candidates.prior, blind.candidates.prior)
        assert np.array_equal(problem.candidates.left, blind.candidates.left)

    def test_it_can_be_sent_to_another_process(self, problem):
        again = pickle.loads(pickle.dumps(problem))
        assert np.array_equal(again.asked, problem.asked)
        assert again.config == problem.config


class TestSettings:
    def test_share_draws_training_links_by_the_seed(self, case):
        first, second, again = (of(replace(case, share=0.5), seed)[0] for seed in (0, 1, 0))
        assert first.train.matches == second.train.matches == round(0.5 * count(case.train))
        seeds = [set(zip(*found(one), strict=True)) for one in (first, second, again)]
        assert seeds[0] == seeds[2] != seeds[1]
        assert first.total == second.total == count(case.test)

    def test_types_choose_who_is_known_and_who_is_judged(self, case):
        one = of(replace(case, train_types=("film",), test_types=("person",)))[0]
        names, codes = type_codes(one.preparation.graphs[0])
        left = one.candidates.left
        assert {names[code] for code in codes[left[one.train.places[one.train.same]]]} == {"film"}
        matches = one.asked[one.judged & one.same]
        assert {names[code] for code in codes[left[matches]]} == {"person"}
        assert one.total == sum(names[code] == "person" for code in codes[gold_left(one, case.test)])

    @pytest.mark.parametrize("few", [3, 10_000])
    def test_few_links_of_the_other_types_are_known_besides(self, case, few):
        alone, more = (of(replace(case, train_types=("film",), few=n))[0] for n in (0, few))
        others = count(case.train) - alone.train.matches
        assert more.train.matches - alone.train.matches == min(few, others)

    def test_negatives_are_at_most_so_many_for_each_match(self, case):
        one = of(replace(case, negatives=2), sets=("blocking.least_chance=0",))[0]
        for labels in (one.train, one.valid):
            assert (~labels.same).sum() == 2 * labels.same.sum()

    def test_one_preparation_serves_as_long_as_the_same_is_known(self, case):
        alike = of(case, 0, 1)
        assert alike[0].preparation is alike[1].preparation
        assert [one.seed for one in alike] == [0, 1]
        unlike = of(replace(case, share=0.5), 0, 1)
        assert unlike[0].preparation is not unlike[1].preparation


class TestPairs:
    def test_the_given_pairs_are_the_candidates(self, pair_problem, pair_case):
        rows = pl.read_csv(pair_case.pairs, separator="\t", has_header=False)
        assert len(pair_problem.candidates) == rows.select("column_0", "column_1").n_unique()

    def test_parts_and_labels_are_those_of_the_file(self, pair_problem):
        one = pair_problem
        assert (len(one.train), one.train.same.sum()) == (90, 30)
        assert (len(one.valid), one.valid.same.sum()) == (90, 30)
        assert (one.judged.sum(), one.same[one.judged].sum(), one.total) == (90, 30, 30)

    def test_entities_that_the_graphs_do_not_have_are_refused(self, pair_case, tmp_path):
        file = tmp_path / "pairs.tsv"
        file.write_text("nobody\tnowhere\t1\ttrain\n")
        with pytest.raises(InputError, match=r"pairs\.tsv names entities"):
            of(replace(pair_case, pairs=file))


def found(problem):
    places = problem.train.places[problem.train.same]
    return problem.candidates.left[places].tolist(), problem.candidates.right[places].tolist()


def gold_left(problem, files):
    return read_links(*files).resolve(*problem.preparation.graphs).positives()[:, 0]
