"""`analyse` and `correlate` on files: the reference sets give R's figures, bad files a sentence, and no database is
touched (these tests have none)."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command

from listening.exchange import tidy


def printed(capsys, *command):
    capsys.readouterr()
    call_command(*command)
    return capsys.readouterr().out


def result_of(capsys, *command):
    return json.loads(printed(capsys, *command, "--format", "json"))


@pytest.fixture(scope="module")
def sets(shared):
    return shared / "reference" / "data"


@pytest.fixture(scope="module")
def expected(shared):
    folder = shared / "reference" / "expected"
    return lambda name: json.loads((folder / f"{name}.json").read_text())


@pytest.fixture
def write(tmp_path):
    def file(text, name="votes.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return file


def test_a_mushra_file_is_screened_and_described_as_r_does(capsys, sets, expected):
    # its columns are listener, item, condition, score; ref, mid and low are usual names
    result = result_of(capsys, "analyse", str(sets / "mushra.csv"))
    assert (result["campaign"], result["method"], result["listeners"]) == ("mushra", "mushra", 20)
    assert [row["listener"] for row in result["screening"]["excluded"]] == ["L07", "L15"]
    theirs = expected("mushra")["descriptives"]
    for row in result["conditions"]:
        mean = theirs[row["condition"]]["all_ratings"]["mean"]
        assert row["after_screening"]["mean"] == pytest.approx(mean, rel=1e-12)
    everybody = result_of(capsys, "analyse", str(sets / "mushra.csv"), "--screening", "none")
    assert everybody["screening"]["ratings_after"] == 1200


def test_an_abx_file_gives_rs_figures(capsys, sets, expected):
    result = result_of(capsys, "analyse", str(sets / "abx.csv"))
    theirs = expected("abx")["pooled"]
    pair = result["pairs"][0]
    assert pair["p"] == pytest.approx(theirs["p_greater"])
    assert pair["n_significant_p"] == pytest.approx(theirs["prob_at_least_that_many_if_all_guess"])
    for mine, row in zip(result["listeners_by_pair"], expected("abx")["per_listener"], strict=True):
        assert mine["anytime_p"] == pytest.approx(row["anytime_p"])
        assert mine["dprime_differencing_unbiased"] == pytest.approx(row["dprime_diff_unbiased"])


def test_an_opinion_file_gives_rs_figures(capsys, sets, expected):
    result, theirs = result_of(capsys, "analyse", str(sets / "mos.csv")), expected("mos")
    assert result["method"] == "acr"
    for row in result["conditions"]:
        listeners = theirs["systems"][row["condition"]]["listener_means"]
        assert row["mean_of_listeners"] == pytest.approx(listeners["mean"])
    bias = theirs["p910_alternating_projection"]["bias"]
    for row in result["models"]["p910"]["listeners"]:
        assert row["bias"] == pytest.approx(bias[row["listener"]])
    assert result["sos"] == pytest.approx(theirs["sos_hypothesis_a"])
    rejected = [row for row in result["kurtosis_screening"]["sd_n"] if row["rejected"]]
    assert [row["listener"] for row in rejected] == theirs["bt500_screening_sd_n"]["rejected"]
    assert result["ordinal"]["loglik"] == pytest.approx(theirs["clm_logit"]["logLik"])
    alpha = expected("reliability")["krippendorff_mos_incomplete"]
    assert result["reliability"]["krippendorff"] == pytest.approx(alpha)
    assert "listener L31 always gave the same rating" in result["caveats"]
    assert any("complete design, found" in caveat for caveat in result["caveats"])


def test_a_preference_file_gives_rs_figures(capsys, sets, expected):
    result, theirs = result_of(capsys, "analyse", str(sets / "abpref.csv")), expected("abpref")
    assert result["method"] == "preference"
    strengths = {
        row["system"]: row["theta"] for row in result["models"]["bradley_terry"]["systems"]
    }
    for who, figures in theirs["bt_ties_dropped"]["theta"].items():
        assert strengths[who] == pytest.approx(figures["estimate"], rel=1e-6)
    davidson = result["models"]["davidson"]
    assert davidson["loglik"] == pytest.approx(theirs["davidson_ties"]["loglik_multinomial"])
    assert result["models"]["rao_kupper"]["eta"] == pytest.approx(
        theirs["rao_kupper"]["eta_tie_threshold"], rel=1e-3
    )
    assert len(result["pairs"]) == 10


def test_metrics_beside_a_file_of_votes_give_rs_figures(capsys, sets, expected):
    files = str(sets / "p1401_votes.csv"), str(sets / "p1401_metrics.csv")
    result = result_of(capsys, "correlate", *files, "--lower", "m4", "--higher", "m1,m2,m3,m5")
    theirs = expected("p1401")["per_file"]["metrics"]
    assert (result["method"], result["league"]["n"]) == ("acr", 144)
    for row in result["league"]["table"]:
        assert row["r"] == pytest.approx(theirs[row["metric"]]["pearson"], rel=1e-9)
    for row in result["correlations"][:5]:
        turn = -1 if row["metric"] == "m4" else 1
        assert turn * row["spearman"] == pytest.approx(theirs[row["metric"]]["spearman"])
    some = result_of(capsys, "correlate", *files, "--metrics", "m1,m4", "--given", "m4")
    assert {row["metric"] for row in some["correlations"]} == {"m1", "m4"}
    assert [row["metric"] for row in some["given"]] == ["m1"]


def test_roles_are_told_by_options(capsys, write):
    rows = [
        f"{who},{item},{condition},{rating}"
        for who in ("a", "b")
        for item in ("x", "y")
        for condition, rating in (("original", 99), ("7k", 55), ("codec", 71))
    ]
    path = write("\n".join(["subject,excerpt,system,grade", *rows]))
    options = ("--reference", "original", "--anchor70", "7k")
    result = result_of(capsys, "analyse", path, *options)
    roles = {row["condition"]: row["role"] for row in result["conditions"]}
    assert roles == {"original": "reference", "7k": "anchor70", "codec": "system"}


def test_ccr_and_long_scores_are_read(capsys, write):
    ccr = write("listener,first,second,rating\na,x,y,2\na,y,x,-1\nb,x,y,1\nb,y,x,0\n")
    pair = result_of(capsys, "analyse", ccr)["pairs"][0]
    assert (pair["a"], pair["b"], pair["cmos"]) == ("x", "y", 1.0)
    names = [(item, c) for item in "pqr" for c in "stu"]
    votes = "".join(f"a,{i},{c},{1 + k % 5}\nb,{i},{c},3\n" for k, (i, c) in enumerate(names))
    scores = "".join(f"{i},{c},m,{k % 5},lower\n" for k, (i, c) in enumerate(names[:-1]))
    result = result_of(
        capsys,
        "correlate",
        write("listener,item,condition,rating\n" + votes),
        write("item,condition,metric,value,direction\n" + scores, "scores.csv"),
    )
    row = result["correlations"][0]
    assert (row["direction"], row["n"], row["missing"]) == ("lower", 8, 1)
    assert row["pearson"] == pytest.approx(1)


ODD = '"=1+1, ""x"""'


def test_odd_names_and_bad_designs_give_results_with_caveats(capsys, write):
    head = "listener,item,condition,rating\n"
    one = result_of(capsys, "analyse", write(head + f"{ODD},i,{ODD},4\n"))
    assert one["conditions"][0]["condition"] == '=1+1, "x"'
    assert one["conditions"][0]["ci_low"] is None
    same = head + "".join(f"{who},{i},{c},5\n" for who in "ab" for i in "xy" for c in "st")
    result = result_of(capsys, "analyse", write(same))
    assert result["ordinal"] is None
    assert result["reliability"]["icc"] is None
    assert "nan" not in printed(capsys, "analyse", write(same))
    tied = "listener,first,second,choice\na,x,y,tie\nb,y,x,tie\n"
    text = printed(capsys, "analyse", write(tied))
    assert "found only ties" in text
    assert "nan" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a table, found an empty file"),
        ("listener,item\na,b\n", "expected the columns"),
        ("listener,item,condition,rating\n", "rows below the heading, found none"),
        (
            "listener,item,condition,rating\na,i,c,good\n",
            "expected a rating from 0 to 100, found 'good'",
        ),
        (
            "listener,item,condition,rating\na,i,c,5,6\n",
            "expected 4 cells in every row, found 5 in row 1",
        ),
        ("listener,item,condition,rating\na,,c,5\n", "found an empty cell in row 1"),
        (b"listener,item,condition,rating\n\xff,i,c,5\n", "expected UTF-8 text"),
        ("listener,correct\na,maybe\n", "expected correct to be 1 or 0, found 'maybe' in row 1"),
        ("listener,first,second,choice\na,x,y,both\n", "found 'both'"),
        ("listener,first,second,rating\na,x,y,9\n", "numbers from -3 to 3, found 9"),
        ("listener,listener\na,b\n", "each column once"),
    ],
)
def test_bad_files_are_refused_with_a_sentence_and_code_2(write, text, said):
    with pytest.raises(CommandError, match=said) as refused:
        call_command("analyse", write(text))
    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    ("scores", "options", "said"),
    [
        ("item,condition,m\ni,c,x\n", (), "a column of numbers per metric"),
        ("item,condition,m\ni,c,x\nj,c,3\n", (), "expected a number as m of i · c, found 'x'"),
        ("item,m\ni,2\n", (), "missing: condition"),
        ("item,condition,m\ni,c,2\n", ("--metrics", "n"), r"the metric\(s\) n, found m"),
        ("item,condition,m\ni,c,2\n", ("--given", "n"), "expected one metric 'n', found m"),
    ],
)
def test_bad_scores_are_refused_with_a_sentence_and_code_2(write, scores, options, said):
    votes = write("listener,item,condition,rating\na,i,c,4\nb,i,c,5\n")
    with pytest.raises(CommandError, match=said) as refused:
        call_command("correlate", votes, write(scores, "s.csv"), *options)
    assert refused.value.returncode == 2


def test_files_that_do_not_fit_together_are_refused(write):
    votes = write("listener,item,condition,rating\na,i,c,4\n")
    for command, said in (
        (("analyse", "none.csv"), "expected a file, found none"),
        (("correlate", votes), "expected a file of scores after"),
        (("correlate", votes, "none.csv"), "expected a file that can be read"),
        (("correlate", "campaign", votes), "expected a file of ratings beside"),
    ):
        with pytest.raises(CommandError, match=said) as refused:
            call_command(*command)
        assert refused.value.returncode == 2
    abx = write("listener,correct\na,1\n", "abx.csv")
    with pytest.raises(CommandError, match="ratings that have means, found abx"):
        call_command("correlate", abx, votes)


MUSHRA_ROWS = [
    (who, item, condition, rating + k)
    for k, who in enumerate(("p1", "p2", "p3"))
    for item in ('song "1"', "two; parts")
    for condition, rating in (("ref", 96), ("low", 15), ("mid", 50), ("A, new", 70), ("B", 62))
]


def written(rows, heading, *, separator=",", decimal=".", ends="\n"):
    table = io.StringIO()
    writer = csv.writer(table, delimiter=separator, lineterminator=ends)
    writer.writerows([heading, *([str(c).replace(".", decimal) for c in row] for row in rows)])
    return table.getvalue()


@pytest.mark.parametrize(
    ("separator", "decimal", "ends", "mark"),
    [(",", ".", "\n", ""), (";", ",", "\r\n", "\ufeff"), ("\t", ".", "\n", "")],
)
def test_tables_of_any_country_give_the_same_figures(capsys, write, separator, decimal, ends, mark):
    rows = [(*row[:3], row[3] - 0.5) for row in MUSHRA_ROWS]
    text = written(
        rows,
        ("Listener", "stimulus", "system", "score"),
        separator=separator,
        decimal=decimal,
        ends=ends,
    )
    result = result_of(capsys, "analyse", write(mark + text))
    plain = result_of(
        capsys, "analyse", write(written(rows, ("listener", "item", "condition", "rating")))
    )
    assert result == plain
    roles = {row["condition"]: row["role"] for row in result["conditions"]}
    assert roles["A, new"] == "system"
    assert roles["mid"] == "anchor70"
    assert "condition 'ref' is taken, by its name, for the hidden reference" in result["notes"]


def test_rows_without_a_rating_are_missing_cells_and_counted(capsys, write):
    rows = [
        (*row[:3], "NA" if k == 3 else "" if k == 8 else row[3])
        for k, row in enumerate(MUSHRA_ROWS)
    ]
    result = result_of(
        capsys, "analyse", write(written(rows, ("listener", "item", "condition", "rating")))
    )
    assert result["screening"]["ratings_before"] == len(MUSHRA_ROWS) - 2
    assert result["notes"][0].startswith("2 of 30 rows have no rating")
    text = "listener,correct\na,1\na,\nb,0\n"
    assert result_of(capsys, "analyse", write(text))["notes"] == [
        "1 of 3 rows have no correct: cells that nobody filled"
    ]


def test_answers_are_known_by_being_right_or_wrong(capsys, write):
    answers = [1, 1, 0, 1, 1, 0, 1, 1]
    plain = write("listener,correct\n" + "".join(f"a,{k}\n" for k in answers))
    rated = write("listener,rating\n" + "".join(f"a,{k}\n" for k in answers), "rated.csv")
    said = "".join(f"a,A,{'A' if k else 'B'}\n" for k in answers)
    asked = write("listener,x_was,answer\n" + said, "asked.csv")
    p = [result_of(capsys, "analyse", path)["pairs"][0]["p"] for path in (plain, rated, asked)]
    # 6 of 8 by chance: (28 + 8 + 1) / 256
    assert p == pytest.approx([37 / 256] * 3)


def test_preferences_may_name_the_system_that_was_chosen(capsys, write):
    words = write("listener,a,b,preferred\np,x,y,x\np,y,x,x\nq,x,y,tie\nq,x,y,y\n")
    plain = write(
        "listener,first,second,choice\np,x,y,first\np,y,x,second\nq,x,y,tie\nq,x,y,second\n",
        "plain.csv",
    )
    for one in (named := result_of(capsys, "analyse", words)["pairs"]):
        assert (one["wins_a"], one["wins_b"], one["ties"]) == (2, 1, 1)
    assert named == result_of(capsys, "analyse", plain)["pairs"]


def test_both_grades_of_a_trial_give_rs_experts(capsys, sets, expected):
    result, theirs = result_of(capsys, "analyse", str(sets / "bs1116.csv")), expected("bs1116")
    experts = {row["listener"]: row["expert"] for row in result["experts"]}
    assert experts == {row["listener"]: row["expert"] for row in theirs["per_listener"]}


def test_opinions_are_compared_by_the_mixed_model_as_their_page_does(capsys, sets):
    result = result_of(capsys, "analyse", str(sets / "mos.csv"))
    assert (
        result["comparison"]["mixed"]["scope"] == "for items like these, and listeners like these"
    )


def test_several_campaigns_in_one_file_are_not_pooled_silently(sets):
    with pytest.raises(CommandError, match="one campaign at a time, found plain, exempt"):
        call_command("analyse", str(sets / "postscreen_edges.csv"))


WRITE_PHP = """session_test_id,email,session_uuid,trial_id,rating_stimulus,rating_score,rating_time,rating_comment
t,a,u1,trial1,reference,100,1000,
t,a,u1,trial1,anchor35,20,1000,"a, then b"
t,a,u1,trial1,anchor70,45,1000,
t,a,u1,trial1,C1,70,1000,
t,b,u2,trial1,reference,95,1000,
t,b,u2,trial1,anchor35,10,1000,
t,b,u2,trial1,anchor70,40,1000,
t,b,u2,trial1,C1,72,1000,
"""
# its columns come in any order, and a uuid is of the server's making
PYMUSHRA = """responses_score;wm_id;questionaire_uuid;responses_stimulus;wm_type;responses_time
100;trial1;u1;reference;mushra;1000
20;trial1;u1;anchor35;mushra;1000
45;trial1;u1;anchor70;mushra;1000
70;trial1;u1;C1;mushra;1000
"""


@pytest.mark.parametrize(
    ("text", "ratings", "listeners"), [(WRITE_PHP, 8, ["u1", "u2"]), (PYMUSHRA, 4, ["u1"])]
)
def test_what_webmushra_and_pymushra_write_is_read_as_it_is(tmp_path, text, ratings, listeners):
    path = tmp_path / "mushra.csv"
    path.write_text(text, encoding="utf-8")
    found = tidy.mushra(path, roles={}).ratings
    assert len(found) == ratings
    assert list(found["listener"].unique()) == listeners
    rated = found[found["listener"] == "u1"].set_index("condition")
    assert rated["rating"].to_dict() == {"reference": 100, "anchor35": 20, "anchor70": 45, "C1": 70}
    assert rated["role"].to_dict() == {
        "reference": "reference",
        "anchor35": "anchor35",
        "anchor70": "anchor70",
        "C1": "system",
    }
