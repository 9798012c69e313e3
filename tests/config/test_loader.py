import pytest

from patron import ConfigError, load_config

GOOD = """\
name: shop
data:
  transactions: {source: "dataset:cdnow"}
churn:
  horizon: 91 days
value:
  margin: 0.4
score:
  as_of: 1998-06-30
"""


def _load(tmp_path, text):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    return load_config(file)


def test_defaults_fill_what_is_left_out(tmp_path):
    config = _load(tmp_path, GOOD)
    assert config.experiment == "shop"
    assert config.churn.horizon.days() == 91
    assert config.score.as_of == "1998-06-30"
    assert str(config.value.horizon) == "12 months"
    assert "stack" in config.churn.recipes


def test_a_key_knows_its_line(tmp_path):
    config = _load(tmp_path, GOOD)
    assert config.where("churn.horizon").endswith("run.yaml:5")
    assert config.where("churn.recipes").endswith("run.yaml:4")
    assert config.where("resources").endswith("run.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "horizon: 91 days",
            "horizn: 91 days",
            r"run.yaml:5: unknown key 'churn.horizn'. Fix: did you mean 'horizon'\?",
        ),
        ("horizon: 91 days", "zebra: 1", "known here: horizon, test, recipes"),
        (
            "horizon: 91 days",
            "horizon: 3 months",
            "run.yaml:5: 'churn.horizon': .*fixed lengths only.*it says '3 months'",
        ),
        ("horizon: 91 days", "horizon: soon", "not a horizon"),
        (
            "horizon: 91 days",
            "horizon: 91 days\n  horizon: 90 days",
            "run.yaml:6: 'horizon' stands twice, first on line 5",
        ),
        ("horizon: 91 days", "horizon: &h 91 days", "anchors and aliases are not taken"),
        ("horizon: 91 days", "horizon: !!python/object:os.system x", "tags like .* are not taken"),
        ("horizon: 91 days", "horizon: [91", "run.yaml:6: not YAML"),
        ("horizon: 91 days", "test: {last: 0}", "greater than or equal to 1"),
        ("horizon: 91 days", "recipes: []", "at least 1 item"),
        ("horizon: 91 days", "recipes: stack", "valid list"),
        ("name: shop", "name: My Shop", "small letters, digits and hyphens"),
        ("name: shop", "nam: shop", "'name' is missing"),
        ("margin: 0.4", "margin: 40", "less than or equal to 1"),
        ("margin: 0.4", "margin: lots", "'value.margin' says 'lots'. Fix: input should be a valid number"),
        ("margin: 0.4", "discount_rate: -0.1", "greater than or equal to 0"),
        ("as_of: 1998-06-30", "as_of: 1998-06-31", "not a calendar day"),
        ("as_of: 1998-06-30", "as_of: 1998-06-30 09:00", "without a time of day"),
        ("as_of: 1998-06-30", "bands: {high: 0.3, medium: 0.6}", "fall from high to low"),
        ("as_of: 1998-06-30", "bands: {high: 0.3, low: 0.1}", "needs none"),
        ("as_of: 1998-06-30", "formats: [xlsx]", "'parquet' or 'csv'"),
        ('source: "dataset:cdnow"', "columns: {}", "'data.transactions.source' is missing"),
        ("data:\n", "data:\n  currency: dollars\n", "ISO 4217"),
        ("data:\n", "data:\n  timezone: Mars/Olympus\n", "no time zone"),
        ("data:\n", "time: {grain: month, unit: week}\ndata:\n", "measured in months"),
        ("data:\n", "resources: {memory: lots}\ndata:\n", "memory"),
        (
            "data:\n",
            "data:\n  decimal: ','\n",
            "unknown key 'data.decimal'. Fix: did you mean 'data.transactions.decimal'",
        ),
        (
            '"dataset:cdnow"',
            '"dataset:cdnow", decimal: x',
            r"'data.transactions.decimal' says 'x'. Fix: input should be",
        ),
        (
            '"dataset:cdnow"',
            '"dataset:cdnow", time_format: "%d"',
            "does not tell a day: '%d'. Fix: day, month and year",
        ),
        (
            '"dataset:cdnow"',
            '"dataset:cdnow", encoding: ansi',
            "encoding is not known: 'ansi'. Fix: 'utf-8', or 'cp1252'",
        ),
        ('"dataset:cdnow"', '"dataset:cdnow", guests: keep', "'refuse' or 'drop'"),
        ('"dataset:cdnow"', '"dataset:cdnow", keep: {paid: [yes]}', "run.yaml:3: .* should be a valid string"),
        ('"dataset:cdnow"', '"dataset:cdnow", columns: {total: x}', "transactions.columns has no 'total'.* refund"),
        ("data:\n", "data:\n  rates: {source: r.csv, columns: {date: Datum}}\n", "rates.columns has no 'date'.* rate"),
        (GOOD, "", "not a mapping"),
        (GOOD, "- a\n- b\n", "not a mapping"),
        (GOOD, "? [a, b]\n: 1\n", "a key must be a word"),
        (GOOD, "a: \x00", "not YAML"),
    ],
)
def test_every_complaint_names_the_line_and_the_fix(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(ConfigError, match=words) as caught:
        _load(tmp_path, GOOD.replace(old, new))
    assert "run.yaml" in str(caught.value)


def test_several_faults_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, GOOD.replace("horizon", "horizn").replace("margin", "margn"))
    assert str(caught.value).count("did you mean") == 2


@pytest.mark.parametrize(
    ("make", "words"), [("folder", "directory"), ("absent", "No such file"), ("bytes", "not UTF-8")]
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, make, words):
    path = tmp_path / "run.yaml"
    if make == "folder":
        path.mkdir()
    elif make == "bytes":
        path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match=words):
        load_config(path)
