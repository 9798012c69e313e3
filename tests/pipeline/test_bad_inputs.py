"""What a person gets for input that cannot be used: place, fault, fix, exit code - and nothing is written."""

import pytest
from typer.testing import CliRunner

from patron.cli import app

HEAD = "customer_id,time,amount\n"


def _rows(customers=40, days=700, repeat=5):
    """A log that is fine: each customer buys `repeat` times."""
    import pandas as pd

    start = pd.Timestamp("2022-01-01")
    lines = []
    for customer in range(customers):
        for k in range(repeat):
            day = start + pd.Timedelta(days=(customer * 7 + k * days // repeat) % days)
            lines.append(f"c{customer:03},{day.date()},{10 + customer}.50")
    return "\n".join(lines) + "\n"


GOOD = _rows()
CONFIG = """\
name: shop
workspace: "{folder}"
data:
  transactions: {{source: log.csv}}
churn: {{horizon: 60 days, test: {{last: 2, every: 28 days}}, recipes: [base_rate, bg_nbd]}}
value: {{test_horizon: 60 days, recipes: [average, bg_nbd]}}
"""

DATA = {
    "an empty file": ("", 3, ["log.csv", "names no columns", "Fix:"]),
    "a header and no rows": (HEAD, 3, ["the log is empty", "Fix:"]),
    "one customer": (HEAD + _rows(customers=1), 3, ["1 customers", "too few", "Fix:"]),
    "all one-time buyers": (HEAD + _rows(customers=300, repeat=1), 4, ["none of 261 customers bought again", "Fix:"]),
    "an amount that is not a number": (HEAD + "c1,2022-01-01,NaN\n" + GOOD, 3, ["'amount'", "1 row", "Fix:"]),
    "an infinite amount": (HEAD + "c1,2022-01-01,inf\n" + GOOD, 3, ["'amount'", "1 row", "Fix:"]),
    "a decimal comma": (HEAD + 'c1,2022-01-01,"12,50"\n' + GOOD, 3, ["'amount'", "'12,50'", "Fix:"]),
    "text in numbers": (HEAD + "c1,2022-01-01,ten\n" + GOOD, 3, ["'amount'", "'ten'", "Fix:"]),
    "a date that is none": (HEAD + "c1,2022-02-30,5\n" + GOOD, 3, ["'time'", "'2022-02-30'", "Fix:"]),
    "a date the other way round": (HEAD + "c1,31/12/2022,5\n" + GOOD, 3, ["'time'", "'31/12/2022'", "Fix:"]),
    "a missing time": (HEAD + "c1,,5\n" + GOOD, 3, ["'time'", "1 row", "Fix:"]),
    "a missing customer": (HEAD + ",2022-01-01,5\n" + GOOD, 3, ["'customer_id'", "1 row", "Fix:"]),
    "an absent column": ("customer_id,time,amt\n" + GOOD, 3, ["'amount'", "'amt'", "Fix:"]),
    "an amount beyond all shops": (HEAD + "c1,2022-01-01,1e308\n" + GOOD, 3, ["'amount'", "Fix:"]),
    "a year 1": (HEAD + "c1,0001-01-01,5\n" + GOOD, 3, ["'time'", "Fix:"]),
    "a log too short for the horizon": (HEAD + _rows(days=100), 3, ["60", "Fix:"]),
}
CONFIGS = {
    "an unknown key": (("name: shop", "name: shop\nnmae: x"), 2, ["shop.yaml:2", "'nmae'", "did you mean 'name'?"]),
    "an unknown recipe": (
        ("[base_rate, bg_nbd]", "[base_rate, bgnbd]"),
        2,
        ["shop.yaml:5", "'bgnbd'", "one of base_rate"],
    ),
    "a horizon in months": (
        ("horizon: 60 days, test:", "horizon: 2 months, test:"),
        2,
        ["shop.yaml:5", "fixed lengths"],
    ),
    "no such file": (("log.csv", "logs.csv"), 3, ["no file", "Fix:"]),
    "a folder for a file": (("log.csv", "."), 3, ["folder", "Fix:"]),
    "as_of before the first purchase": (
        ("value:", "score: {as_of: 2021-12-31}\nvalue:"),
        3,
        ["outside the log", "Fix:"],
    ),
    "as_of after the last day": (("value:", "score: {as_of: 2031-12-31}\nvalue:"), 3, ["outside the log", "Fix:"]),
    "another name for a column": (("log.csv}", "log.csv, columns: {amount: total}}"), 3, ["'total'", "Fix:"]),
    "a column Patron does not know": (("log.csv}", "log.csv, columns: {amuont: amount}}"), 2, ["amuont", "Fix:"]),
    "an unknown data set": (("log.csv", '"dataset:cdwow"'), 2, ["cdwow", "cdnow", "Fix:"]),
}


def _run(folder, log, config):
    (folder / "log.csv").write_text(log)
    path = folder / "shop.yaml"
    path.write_text(config)
    return CliRunner().invoke(app, ["run", str(path)])


def _refused(folder, result, code, words):
    assert result.exit_code == code, result.output
    told = " ".join(result.stderr.split())
    for word in words:
        assert word in told
    assert "Traceback" not in told
    assert "error: " in told
    left = {path.name for path in folder.rglob("*") if path.is_file()} - {"log.csv", "shop.yaml", ".lock", "audit.json"}
    assert left == set()


@pytest.mark.parametrize("case", DATA)
def test_data_that_cannot_be_used_are_refused_and_nothing_is_written(tmp_path, case):
    log, code, words = DATA[case]
    _refused(tmp_path, _run(tmp_path, log, CONFIG.format(folder=tmp_path)), code, words)


@pytest.mark.parametrize("case", CONFIGS)
def test_a_configuration_that_does_not_fit_is_refused_and_nothing_is_written(tmp_path, case):
    (old, new), code, words = CONFIGS[case]
    config = CONFIG.format(folder=tmp_path)
    assert old in config
    _refused(tmp_path, _run(tmp_path, HEAD + GOOD, config.replace(old, new)), code, words)


def test_the_good_log_behind_these_cases_is_good(tmp_path):
    result = _run(tmp_path, HEAD + GOOD, CONFIG.format(folder=tmp_path))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "shop" / "latest.json").exists()
