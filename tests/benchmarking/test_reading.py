from __future__ import annotations

from pathlib import Path

import pytest

from crossgraph.benchmarking.problem import Case, Hidden
from crossgraph.benchmarking.reading import read_suite
from crossgraph.benchmarking.runner import plan
from crossgraph.errors import FaultsError, InputError

HEAD = 'title = "T"\nseeds = [0, 1]\n'
DATASET = '[[dataset]]\nname = "films"\nleft = "films"\ntest = ["films/test"]\n'
METHOD = '[[method]]\nname = "GAT"\nrun = "graphs:gat"\n'


@pytest.fixture
def read(tmp_path):
    def reader(*parts):
        file = tmp_path / "suite.toml"
        file.write_text("\n".join(parts), encoding="utf8")
        return read_suite(file)

    return reader


def faults(read, *parts):
    with pytest.raises(FaultsError) as caught:
        read(*parts)
    return [str(fault).partition(": ")[2] for fault in caught.value.faults]


def test_everything_that_a_suite_says_is_read(read, tmp_path):
    suite = read(
        'question = "Q"\nfindings = "F"\npath = ".."',
        HEAD,
        DATASET,
        'right = "other"\ntrain = ["a", "b"]\nvalid = ["c"]\nnegatives = 5\nshare = 1',
        'train_types = ["film"]\ntest_types = ["person"]\nfew = 3',
        'hidden = [{ type = "film", attributes = ["title"], share = 0.4 }, { type = "x", attributes = [] }]',
        METHOD,
        'set = ["model.width=64"]\nseeds = [1]\ndatasets = ["films"]\nline = "L"',
        '[figure]\nx = "X"\ny = "mrr"\nkind = "dot"\nlog_x = true',
    )
    assert (suite.title, suite.question, suite.findings, suite.seeds) == ("T", "Q", "F", (0, 1))
    assert (suite.stem, suite.folder) == ("suite", tmp_path.parent)
    assert suite.datasets[0].case(Path("D")) == Case(
        name="films",
        left=Path("D/films"),
        right=Path("D/other"),
        train=(Path("D/a"), Path("D/b")),
        valid=(Path("D/c"),),
        test=(Path("D/films/test"),),
        negatives=5,
        train_types=("film",),
        test_types=("person",),
        few=3,
        hidden=(Hidden(type="film", attributes=("title",), share=0.4), Hidden(type="x", attributes=())),
    )
    (method,) = suite.methods
    assert (method.set, method.datasets, method.line) == (("model.width=64",), ("films",), "L")
    assert suite.seeds_of(method) == (1,)
    assert (suite.figure.x, suite.figure.y, suite.figure.kind, suite.figure.log_x) == (
        "X",
        "mrr",
        "dot",
        True,
    )


def test_labelled_pairs_stand_in_the_place_of_links(read):
    suite = read(HEAD, '[[dataset]]\nname = "p"\nleft = "p"\npairs = "p/pairs.tsv"', METHOD)
    assert suite.datasets[0].case(Path("D")).pairs == Path("D/p/pairs.tsv")
    assert suite.datasets[0].files == ("p", "p/pairs.tsv")


@pytest.mark.parametrize(
    ("sweep", "key", "values"), [("shares = [0.1, 1]", "share", (0.1, 1.0)), ("fews = [0, 5]", "few", (0, 5))]
)
def test_a_sweep_is_a_case_for_each_value(read, sweep, key, values):
    (dataset,) = read(HEAD, DATASET, sweep, METHOD).datasets
    assert [x for x, _ in dataset.points()] == list(values)
    assert tuple(getattr(point.case(Path()), key) for _, point in dataset.points()) == values


def test_a_method_may_vary_a_setting(read):
    (method,) = read(HEAD, DATASET, METHOD, 'vary = "sampling.neighbours"\nvalues = [2, 5]').methods
    assert method.points() == ((2, ("sampling.neighbours=2",)), (5, ("sampling.neighbours=5",)))


def test_a_method_may_have_a_table_for_each_data_set(read):
    other = DATASET.replace('"films"', '"songs"')
    tables = [
        f'{METHOD}\ndatasets = ["{name}"]\nseeds = [{seed}]' for name, seed in [("films", 0), ("songs", 1)]
    ]
    suite = read(HEAD, DATASET, other, *tables)
    assert [(run.dataset.name, run.method.name, run.seed) for run in plan(suite)] == [
        ("films", suite.methods[0].name, 0),
        ("songs", suite.methods[0].name, 1),
    ]


def test_all_faults_are_told_at_once(read):
    found = faults(
        read,
        "titel = 1\nseeds = [0, 0]\nseed = 3",
        '[[dataset]]\nname = "films"\nleft = 3\nlinks = ["x"]',
        'hidden = [{ type = "film", atributes = ["title"] }]',
        '[[dataset]]\nname = "films"\nleft = "f"\ntest = ["t"]\nshares = [0, 2]',
        '[[method]]\nname = "GAT"\nrun = "gat"\ndatasets = ["flims"]',
        '[[method]]\nname = "GIN"\nrun = "a:b"\ndatasets = ["flims"]\nset = ["model.wdith=3"]',
        '[figure]\ny = "auc"',
    )
    for place, problem in [
        ("the suite", "there is no key 'titel' (did you mean 'title'?)"),
        ("the suite", "title is missing"),
        ("[figure]", "y = 'auc' (it must be one of"),
        ("[[dataset]] 'films'", "left = 3 (it must be a text)"),
        ("[[dataset]] 'films'", "there is no key 'links'"),
        ("[[dataset]] 'films' hidden", "attributes is missing"),
        ("[[dataset]] 'films'", "shares = (0.0, 2.0)"),
        ("[[dataset]] 'films'", "the name stands 2 times"),
        ("[[method]] 'GAT'", "run = 'gat' names no function (write module:function)"),
        ("[[method]] 'GIN'", "there is no data set 'flims'"),
        ("[[method]] 'GIN'", "[model] has no setting 'wdith'"),
    ]:
        assert any(fault.startswith(f"{place}: ") and problem in fault for fault in found), (place, problem)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ((HEAD, METHOD), "it has no dataset"),
        ((HEAD, DATASET), "it has no method"),
        ((HEAD, "dataset = 3", METHOD), "it has no dataset"),
        ((HEAD, "figure = 3", DATASET, METHOD), "it is no table"),
        ((HEAD, DATASET, 'pairs = "p"', METHOD), "it has no test, or two"),
        ((HEAD, DATASET.replace("test", "train", 1).replace("[[d", "[[d"), METHOD), "it has no test, or two"),
        ((HEAD, DATASET, "shares = [0.5]\nfews = [1]", METHOD), "shares and fews are two sweeps"),
        ((HEAD, DATASET, "few = -1", METHOD), "below 0"),
        ((HEAD, DATASET, METHOD, 'vary = "model.width"'), "vary and values belong together"),
        ((HEAD, DATASET, METHOD, "values = [1]"), "vary and values belong together"),
        ((HEAD, DATASET, METHOD, "seeds = []"), "seeds = []"),
        ((HEAD, DATASET, METHOD, "seeds = [-1]"), "seeds = [-1]"),
        (('title = "T"', "seeds = [1, 1]", DATASET, METHOD), "seeds = [1, 1]"),
        ((HEAD, DATASET, METHOD, METHOD), "it is there 2 times for 'films'"),
        (
            (HEAD, DATASET, "fews = [1]", METHOD, 'vary = "model.width"\nvalues = [8]'),
            "it varies model.width on 'films', a sweep too",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(read, parts, problem):
    assert any(problem in fault for fault in faults(read, *parts))


@pytest.mark.parametrize("text", ["title =", None])
def test_what_is_no_toml_is_refused(tmp_path, text):
    file = tmp_path / "suite.toml"
    if text:
        file.write_text(text)
    with pytest.raises(InputError, match=r"suite\.toml") as caught:
        read_suite(file)
    assert "[[dataset]]" in caught.value.hint
