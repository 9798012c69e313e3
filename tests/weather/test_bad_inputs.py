"""What a person gets for input that cannot be used: place, fault, count, example, fix, exit code - and nothing written."""

# ruff: noqa: ARG005, E501, FBT003  the cases stand as a table
import gzip
import io
import os

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from patron.cli import app

HEAD = b"customer_id,time,amount\n"
NUMBER = "write numbers with a decimal point"
STAMP = "write it as 2024-01-31 or"
DECADES = "lies outside 1900-01-01 to 2099-12-31"


def refused(folder, command, config, code, words, given):
    """Run a command that must refuse."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = CliRunner().invoke(app, [command, str(config)])
    told = " ".join(result.stderr.split())
    assert result.exit_code == code, told or result.exception
    assert "error: " in told
    assert "Traceback" not in told
    assert len(told) < 1500
    for word in (*words, "Fix: "):
        assert word in told
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}
    assert after == before
    assert set(after) == {folder / name for name in given}


# one row among 200 good ones
ROWS = {
    "a decimal comma": ('c1,2022-01-01,"12,50"', ["column 'amount': is not a number (1 row, for example '12,50')", NUMBER]),
    "thousands separators": ('c1,2022-01-01,"1,234.50"', ["column 'amount'", "1 row", "'1,234.50'", NUMBER]),
    "a currency sign": ("c1,2022-01-01,$12", ["column 'amount'", "1 row", "'$12'", NUMBER]),
    "a bookkeeper's minus": ("c1,2022-01-01,(12)", ["column 'amount'", "1 row", "'(12)'", NUMBER]),
    "another minus sign": ("c1,2022-01-01,\u22125", ["column 'amount'", "1 row", "'\u22125'", NUMBER]),
    "digits of another script": ("c1,2022-01-01,\u0661\u0662", ["column 'amount'", "1 row", NUMBER]),
    "a spreadsheet's error": ("c1,2022-01-01,#REF!", ["column 'amount'", "1 row", "'#REF!'", NUMBER]),
    "a word": ("c1,2022-01-01,ten", ["column 'amount'", "1 row", "'ten'", NUMBER]),
    "not a number": ("c1,2022-01-01,NaN", ["column 'amount'", "1 row", "'NaN'", NUMBER]),
    "infinity": ("c1,2022-01-01,-inf", ["column 'amount'", "1 row", "'-inf'", NUMBER]),
    "the largest double": ("c1,2022-01-01,1e308", ["column 'amount'", "1 row", "'1e308'", NUMBER]),
    "beyond all doubles": ("c1,2022-01-01,1e999", ["column 'amount'", "1 row", "'1e999'", NUMBER]),
    "beyond all shops": ("c1,2022-01-01,99999999999", ["column 'amount': is larger than 10,000,000,000 (1 row, for example '99999999999')"]),
    "four hundred digits": ("c1,2022-01-01," + "9" * 400, ["column 'amount'", "1 row", "999...", NUMBER]),
    "no amount": ("c1,2022-01-01,", ["column 'amount': is missing (1 row)", "a free order has amount 0"]),
    "a NUL in an amount": ("c1,2022-01-01,5\0", ["column 'amount'", "1 row", "'5\\x00'", NUMBER]),
    "the year 1": ("c1,0001-01-01,5", [f"column 'time': {DECADES} (1 row, for example '0001-01-01')"]),
    "the year 9999": ("c1,9999-12-31,5", [f"column 'time': {DECADES} (1 row, for example '9999-12-31')"]),
    "a day of zeros": ("c1,0000-00-00,5", ["column 'time': is not a date or stamp (1 row, for example '0000-00-00')", STAMP]),
    "the 31st of February": ("c1,2022-02-31,5", ["column 'time'", "1 row", "'2022-02-31'", STAMP]),
    "the 29th in a common year": ("c1,2023-02-29,5", ["column 'time'", "1 row", "'2023-02-29'", STAMP]),
    "a thirteenth month": ("c1,2022-13-01,5", ["column 'time'", "1 row", "'2022-13-01'", STAMP]),
    "a day the other way round": ("c1,31/12/2022,5", ["column 'time'", "1 row", "'31/12/2022'", STAMP]),
    "seconds since 1970": ("c1,1640995200,5", ["column 'time'", "1 row", "'1640995200'", STAMP]),
    "a spreadsheet's day": ("c1,44562,5", ["column 'time'", "1 row", "'44562'", STAMP]),
    "hour 24": ("c1,2022-01-01 24:00,5", ["column 'time'", "1 row", "'2022-01-01 24:00'", STAMP]),
    "a zone by name": ("c1,2022-01-01 09:00 Europe/Berlin,5", ["column 'time'", "1 row", STAMP]),
    "an offset that is none": ("c1,2022-01-01T00:00+99:00,5", ["column 'time'", "1 row", STAMP]),
    "a word for a day": ("c1,infinity,5", ["column 'time'", "1 row", "'infinity'", STAMP]),
    "no time": ("c1,,5", ["column 'time': is missing (1 row)"]),
    "no customer": (",2022-01-01,5", ["column 'customer_id': is missing (1 row)"]),
    "a blank customer": ("   ,2022-01-01,5", ["column 'customer_id': is missing (1 row"]),
    "a NUL in a customer": ("c\0c1,2022-01-01,5", ["column 'customer_id': holds NUL characters (1 row, for example 'c\\x00c1')"]),
    "a field too many": ("c1,2022-01-01,5,6", ["log.csv, line 202: Expected Number of Columns: 3 Found: 4 (for example 'c1,2022-01-01,5,6')"]),
    "a field too few": ("c1,2022-01-01", ["log.csv, line 202: Expected Number of Columns: 3 Found: 2"]),
    "a quote left open": ('"c1,2022', ["log.csv, line 202: Value with unterminated quote"]),
    "Latin-1": ("Zo\u00eb,2022-01-01,5".encode("latin-1"), ["log.csv cannot be read: 'utf-8' codec", "as UTF-8"]),
    "a line of NULs": ("\0" * 300, ["log.csv, line 202: Expected Number of Columns: 3 Found: 1", "..."]),
}  # fmt: skip


@pytest.mark.parametrize("case", ROWS)
def test_one_row_that_cannot_be_read_is_refused(tmp_path, make_shop, make_rows, case):
    row, words = ROWS[case]
    row = row if isinstance(row, bytes) else row.encode()
    config = make_shop(tmp_path, HEAD + make_rows().encode() + row + b"\n")
    refused(tmp_path, "audit", config, 3, words, ["log.csv", "shop.yaml"])


def parquet(log, column=None, kind=None, value=None):
    """The log as Parquet, one column of it of another kind."""
    table = pa.csv.read_csv(io.BytesIO(log))
    if column is not None:
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array([value] * len(table), kind))
    packed = io.BytesIO()
    pq.write_table(table, packed)
    return packed.getvalue()


TYPED = "holds values of type"
FILES = {
    "an empty file": ("log.csv", lambda log: b"", ["log.csv names no columns", "its first line must name them"]),
    "only line feeds": ("log.csv", lambda log: b"\n\n\n", ["log.csv names no columns"]),
    "only a header": ("log.csv", lambda log: HEAD, ["the log is empty"]),
    "no header": ("log.csv", lambda log: log[len(HEAD):], ["column 'customer_id': is not in log.csv; it has 'c000'"]),
    "an absent column": ("log.csv", lambda log: log.replace(b"amount", b"amt"), ["column 'amount': is not in log.csv; did you mean 'amt'?"]),
    "a column twice": ("log.csv", lambda log: log.replace(b"\n", b",1\n").replace(b"amount,1", b"amount,amount"), ["column 'amount': occurs more than once in log.csv", "rename one of them"]),
    "another delimiter below": ("log.csv", lambda log: HEAD + log[len(HEAD):].replace(b",", b";"), ["log.csv, line 2: Expected Number of Columns: 3 Found: 1", "put quotes"]),
    "an unknown delimiter": ("log.csv", lambda log: log.replace(b",", b":"), ["column 'customer_id': is not in log.csv; did you mean 'customer_id:time:amount'?"]),
    "a header longer than the rows": ("log.csv", lambda log: log.replace(b"amount", b"amount,shop"), ["log.csv, line 2: Expected Number of Columns: 4 Found: 3"]),
    "cut off within a row": ("log.csv", lambda log: log[:-8], ["log.csv, line 201: Expected Number of Columns: 3 Found: 2"]),
    "UTF-16": ("log.csv", lambda log: log.decode().encode("utf-16"), ["log.csv cannot be read: 'utf-8' codec", "save the file as UTF-8, or say what it is"]),
    "UTF-16 without its mark": ("log.csv", lambda log: log.decode().encode("utf-16-le"), ["log.csv begins with NUL characters", "as UTF-8"]),
    "Latin-1 far down": ("log.csv", lambda log: log + log[len(HEAD):] * 60 + "Zo\u00eb,2022-01-01,5\n".encode("latin-1"), ["log.csv, line 12,202: Invalid unicode", "save the file as UTF-8"]),
    "nothing but NULs": ("log.csv", lambda log: b"\0" * 500, ["log.csv begins with NUL characters"]),
    "a picture": ("log.csv", lambda log: b"\x89PNG\r\n\x1a\n" + log, ["log.csv cannot be read"]),
    "a page to log in": ("log.csv", lambda log: b"<html><body>" + b"Log in, please. " * 5000, ["column 'customer_id': is not in log.csv; it has '<html><body>Log in'"]),
    "Parquet called CSV": ("log.csv", parquet, ["log.csv cannot be read"]),
    "gzip called CSV": ("log.csv", gzip.compress, ["log.csv cannot be read"]),
    "CSV called gzip": ("log.csv.gz", lambda log: log, ["log.csv.gz cannot be read: Not a gzipped file"]),
    "gzip cut off": ("log.csv.gz", lambda log: gzip.compress(log)[:-200], ["log.csv.gz cannot be read: Compressed file ended before", "save the file whole"]),
    "gzip cut off after a whole line": ("log.csv.gz", lambda log: gzip.compress(log)[:-8], ["log.csv.gz cannot be read: Compressed file ended before"]),
    "gzip with a wrong checksum": ("log.csv.gz", lambda log: gzip.compress(log)[:-8] + bytes(8), ["log.csv.gz cannot be read: CRC check failed"]),
    "gzip with a wrong middle": ("log.csv.gz", lambda log: gzip.compress(log)[:200] + bytes(200) + gzip.compress(log)[400:], ["log.csv.gz cannot be read: "]),
    "gzip in gzip": ("log.csv.gz", lambda log: gzip.compress(gzip.compress(log)), ["log.csv.gz cannot be read"]),
    "a spreadsheet": ("log.xlsx", lambda log: b"PK", ["neither CSV nor Parquet", ".parquet"]),
    "Parquet that is none": ("log.parquet", lambda log: b"x" * 99, ["log.parquet cannot be read", "No magic bytes", "check that the files are whole"]),
    "empty Parquet": ("log.parquet", lambda log: b"", ["log.parquet cannot be read", "too small"]),
    "Parquet cut off": ("log.parquet", lambda log: parquet(log)[:900], ["log.parquet cannot be read", "check that the files are whole"]),
    "Parquet without its head": ("log.parquet", lambda log: parquet(log)[100:], ["log.parquet cannot be read"]),
    "Parquet with a wrong middle": ("log.parquet", lambda log: parquet(log)[:200] + b"\xff" * 200 + parquet(log)[400:], ["log.parquet cannot be read"]),
    "only Parquet's magic": ("log.parquet", lambda log: b"PAR1" * 4, ["log.parquet cannot be read", "Footer length"]),
    "Parquet without rows": ("log.parquet", lambda log: parquet(HEAD), ["Fix"]),
    "lists of amounts": ("log.parquet", lambda log: parquet(log, "amount", pa.list_(pa.float64()), [1.0]), [f"column 'amount': {TYPED} array<float64>, not numbers"]),
    "structs for customers": ("log.parquet", lambda log: parquet(log, "customer_id", pa.struct({"a": pa.int8()}), {"a": 1}), [f"column 'customer_id': {TYPED} struct"]),
    "maps for times": ("log.parquet", lambda log: parquet(log, "time", pa.map_(pa.string(), pa.int8()), [("a", 1)]), [f"column 'time': {TYPED} map"]),
    "bytes for customers": ("log.parquet", lambda log: parquet(log, "customer_id", pa.binary(), b"\xff"), [f"column 'customer_id': {TYPED} binary"]),
    "truth for amounts": ("log.parquet", lambda log: parquet(log, "amount", pa.bool_(), True), [f"column 'amount': {TYPED} boolean"]),
    "seconds as whole numbers": ("log.parquet", lambda log: parquet(log, "time", pa.int64(), 1_640_995_200), [f"column 'time': {TYPED} int64", "whether 20240131 or seconds are meant"]),
    "nothing for amounts": ("log.parquet", lambda log: parquet(log, "amount", pa.null(), None), ["column 'amount': is missing (200 rows)"]),
    "doubles without end": ("log.parquet", lambda log: parquet(log, "amount", pa.float64(), float("-inf")), ["column 'amount': is infinite (200 rows, for example '-inf')"]),
    "the largest doubles": ("log.parquet", lambda log: parquet(log, "amount", pa.float64(), 1e308), ["column 'amount': is larger than 10,000,000,000 (200 rows, for example '1e+308')"]),
    "a stamp without end": ("log.parquet", lambda log: parquet(log, "time", pa.timestamp("us"), 2**63 - 1), [f"column 'time': {DECADES} (200 rows, for example 'infinity')"]),
    "NULs for customers": ("log.parquet", lambda log: parquet(log, "customer_id", pa.string(), "a\0b"), ["column 'customer_id': holds NUL characters (200 rows"]),
    "two currencies": ("log.csv", lambda log: log.replace(b"\n", b",EUR\n").replace(b"amount,EUR", b"amount,currency") + b"c1,2022-01-01,5,USD\n", ["column 'currency': holds 2 currencies: EUR, USD (1 row, for example 'USD')"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, make_shop, make_rows, case):
    name, broken, words = FILES[case]
    config = make_shop(tmp_path, broken(HEAD + make_rows().encode()), source=name)
    refused(tmp_path, "audit", config, 3, words, [name, "shop.yaml"])


LOGS = {
    "one customer": ({"customers": 1}, 3, ["1 customers", "too few"]),
    "all on one day": ({"days": 1, "repeat": 1}, 3, ["is too short to predict churn over 60 days"]),
    "a log too short for the horizon": ({"days": 100}, 3, ["from 2022-01-01 to", "60 days on 2 test days 60 days apart", "a shorter horizon"]),
    "all one-time buyers": ({"customers": 300, "repeat": 1}, 4, ["none of 210 customers bought again"]),
}  # fmt: skip


@pytest.mark.parametrize("case", LOGS)
def test_a_log_that_teaches_nothing_is_refused(tmp_path, make_shop, make_rows, case):
    shape, code, words = LOGS[case]
    config = make_shop(tmp_path, HEAD + make_rows(**shape).encode())
    refused(tmp_path, "run", config, code, words, ["log.csv", "shop.yaml"])


DATA, CHURN, VALUE = "data:\n", "churn: {{", "value: {{"
CONFIGS = {
    "a key unknown": (("name: shop", "name: shop\nnmae: x"), 2, ["shop.yaml:2", "'nmae'", "did you mean 'name'?"]),
    "a key twice": (("name: shop", "name: shop\nname: two"), 2, ["shop.yaml:2", "'name' stands twice, first on line 1"]),
    "a key twice within": (("{{source:", '{{source: "b.csv", source:'), 2, ["shop.yaml:4", "'source' stands twice"]),
    "a tag": (("name: shop", 'name: !!python/object/apply:os.system ["touch x"]'), 2, ["shop.yaml:1", "tags like", "write plain values"]),
    "an anchor": (("name: shop", "name: &n shop"), 2, ["shop.yaml:1", "anchors and aliases are not taken", "write the value out"]),
    "an alias": (("name: shop", "name: *n"), 2, ["shop.yaml:1", "anchors and aliases are not taken"]),
    "a merge": (("name: shop", "<<: {{name: shop}}"), 2, ["unknown key '<<'"]),
    "a tab": (("data:\n", "data:\n\t"), 2, ["shop.yaml:4", "not YAML: found character '\\t'"]),
    "two documents": (("resources", "---\nname: b\nresources"), 2, ["not YAML: but found another document"]),
    "lists without end": (("name: shop", "name: " + "[" * 3000 + "]" * 3000), 2, ["shop.yaml:1: more than 20 levels"]),
    "mappings without end": (("name: shop", "name: " + "{{a: " * 3000 + "}}" * 3000), 2, ["shop.yaml:1: more than 20 levels"]),
    "a NUL": (("name: shop", 'name: shop\ntracking: {{experiment: "a\\0b"}}'), 2, ["shop.yaml:2", "holds a character that no file name may hold"]),
    "half a letter": (('workspace: "{folder}"', 'workspace: "\\ud800"'), 2, ["shop.yaml:2", "holds a character that no file name may hold"]),
    "a number for the name": (("name: shop", "name: 5"), 2, ["shop.yaml:1: 'name'", "says 5. Fix: input should be a valid string"]),
    "a path for the name": (("name: shop", "name: ../../etc"), 2, ["shop.yaml:1: 'name'", "small letters, digits and hyphens"]),
    "a list for a section": (("resources: {{threads: 1}}", "resources: [1]"), 2, ["shop.yaml:8: 'resources'"]),
    "a word for a number": (("last: 2", "last: two"), 2, ["shop.yaml:5: 'churn.test.last'", "says 'two'. Fix: "]),
    "no number": ((VALUE, "value: {{margin: .nan, "), 2, ["shop.yaml:6: 'value.margin'"]),
    "no recipe": (("recipes: [base_rate, bg_nbd]", "recipes: []"), 2, ["shop.yaml:5: 'churn.recipes'", "at least 1"]),
    "an unknown recipe": (("[base_rate, bg_nbd]", "[base_rate, bgnbd]"), 2, ["shop.yaml:5", "unknown recipe 'bgnbd'", "one of base_rate"]),
    "a recipe of the other task": (("[average, bg_nbd]", "[base_rate]"), 2, ["shop.yaml:6", "unknown recipe 'base_rate'"]),
    "settings of a recipe that has none": (("recipes: [base_rate, bg_nbd]", "recipes: [base_rate], settings: {{base_rate: {{rate: 1}}}}"), 2, ["shop.yaml:5", "takes no settings", "'rate'"]),
    "a setting that no tree has": (("recipes: [base_rate, bg_nbd]", "recipes: [lightgbm], settings: {{lightgbm: {{depth: 3}}}}"), 2, ["shop.yaml:5", "no setting 'depth'", "num_leaves"]),
    "a word for a setting": (("recipes: [base_rate, bg_nbd]", "recipes: [lightgbm], settings: {{lightgbm: {{num_leaves: many}}}}"), 2, ["shop.yaml:5", "num_leaves is a number", "'many'"]),
    "settings of a recipe that does not compete": (("recipes: [base_rate, bg_nbd]", "recipes: [base_rate], settings: {{stack: {{}}}}"), 2, ["shop.yaml:5", "'stack', which does not compete"]),
    "a transaction model that is none": (("recipes: [base_rate, bg_nbd]", "recipes: [stack], settings: {{stack: {{transaction_model: nbd2}}}}"), 2, ["shop.yaml:5", "no transaction model 'nbd2'", "bg_nbd"]),
    "a horizon in months": (("horizon: 60 days, test:", "horizon: 2 months, test:"), 2, ["shop.yaml:5: 'churn.horizon'", "fixed lengths"]),
    "a horizon of nothing": (("horizon: 60 days, test:", "horizon: 0 days, test:"), 2, ["shop.yaml:5: 'churn.horizon'", "not a horizon"]),
    "a horizon beyond all lives": ((VALUE, "value: {{horizon: 99999 years, "), 2, ["shop.yaml:6: 'value.horizon'", "at most 100 years"]),
    "a horizon of 5,000 digits": ((VALUE, f"value: {{{{horizon: {'9' * 5000} days, "), 2, ["'value.horizon'", "at most 36,525 days"]),
    "a horizon longer than the data": (("horizon: 60 days, test:", "horizon: 900 days, test:"), 3, ["too short to predict churn over 900 days"]),
    "a test horizon longer than the data": (("test_horizon: 60 days", "test_horizon: 900 days"), 3, ["too short to predict value over 900 days"]),
    "more test days than the data hold": (("last: 2", "last: 36"), 3, ["60 days on 36 test days 60 days apart", "fewer test days"]),
    "test days further apart than the data": (("every: 60 days", "every: 36000 days"), 3, ["too short to predict churn"]),
    "a zone that is none": ((DATA, "data:\n  timezone: Mars/Base\n"), 2, ["shop.yaml:4: 'data.timezone'", "no time zone 'Mars/Base'"]),
    "a path for a zone": ((DATA, "data:\n  timezone: ../../etc/passwd\n"), 2, ["'data.timezone'", "no time zone"]),
    "a currency that is none": ((DATA, "data:\n  currency: \u20ac\u20ac\u20ac\n"), 2, ["shop.yaml:4: 'data.currency'", "ISO 4217"]),
    "observed until a day that is none": ((DATA, "data:\n  observed_until: 2022-02-31\n"), 2, ["shop.yaml:4: 'data.observed_until'", "not a calendar day"]),
    "observed until the end of days": ((DATA, "data:\n  observed_until: 9999-12-31\n"), 3, ["observed_until is no day of a log", "'9999-12-31'"]),
    "observed until before the first row": ((DATA, "data:\n  observed_until: 1999-12-31\n"), 3, ["no row is left", "200 rows"]),
    "as_of before the first purchase": (("score: {{", "score: {{as_of: 2021-12-31, "), 3, ["as_of 2021-12-31 lies outside the log"]),
    "as_of after the last day": (("score: {{", "score: {{as_of: 2031-12-31, "), 3, ["as_of 2031-12-31 lies outside the log", "`latest`"]),
    "no bands": (("score: {{", "score: {{bands: {{}}, "), 2, ["shop.yaml:7: 'score.bands'", "like {high: 0.6, medium: 0.3}"]),
    "a format that is none": (("score: {{", "score: {{formats: [xls], "), 2, ["'score.formats.0'", "'parquet' or 'csv'"]),
    "more threads than any machine": (("threads: 1", "threads: 99999999999999999999"), 2, ["shop.yaml:8: 'resources.threads'", "1024"]),
    "no memory": (("threads: 1", "memory: 0%"), 2, ["memory cannot be read: '0%'"]),
    "no such file": (('"{source}"', "logs.csv"), 3, ["there is no file", "logs.csv"]),
    "no file by that pattern": (('"{source}"', '"none*.csv"'), 3, ["no file matches"]),
    "a folder for a file": (('"{source}"', '"."'), 3, ["is a folder", "name the files in it"]),
    "a name too long for a file": (('"{source}"', "x" * 5000 + ".csv"), 3, ["cannot be read: File name too long"]),
    "a column that is not there": (('"{source}"}}', '"{source}", columns: {{amount: total}}}}'), 3, ["column 'total': is not in log.csv"]),
    "a column unknown": (('"{source}"}}', '"{source}", columns: {{amuont: amount}}}}'), 2, ["shop.yaml:3", "'amuont'", "one of customer_id"]),
    "an unknown data set": (('"{source}"', '"dataset:cdwow"'), 2, ["cdwow", "cdnow"]),
    "side rows that are not there": (('"{source}"}}', '"{source}"}}\n  customers: {{source: none.csv}}'), 3, ["there is no file", "none.csv"]),
    "a file for the workspace": (('workspace: "{folder}"', 'workspace: "{folder}/shop.yaml"'), 2, ["shop.yaml:2", "Not a directory", "let workspace be a folder"]),
    "a workspace below a file": (('workspace: "{folder}"', 'workspace: "{folder}/shop.yaml/a"'), 2, ["shop.yaml:2", "Not a directory"]),
    "a workspace where none may write": (('workspace: "{folder}"', "workspace: /proc/none"), 2, ["shop.yaml:2", "/proc/none", "let workspace be a folder"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CONFIGS)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path, make_shop, case):
    (old, new), code, words = CONFIGS[case]
    text = make_shop.text
    assert text.count(old) == 1
    if "workspace" in case:
        text = text.replace('"{source}"', '"dataset:cdnow-sample"')
    config = make_shop(tmp_path, text=text.replace(old, new))
    refused(tmp_path, "run", config, code, words, ["log.csv", "shop.yaml"])


PLACES = {
    "no such configuration": (None, ["No such file", "give the path of a YAML file"]),
    "a folder for a configuration": ("folder", ["Is a directory"]),
    "an empty configuration": (b"", ["not a mapping of keys", "start with `name: ...`"]),
    "a list": (b"- name: shop\n", ["not a mapping of keys"]),
    "bytes": (bytes(range(256)), ["not UTF-8 text"]),
    "a configuration in UTF-16": ("name: shop".encode("utf-16"), ["not UTF-8 text", "save the file as UTF-8"]),
    "a bell": (b"name: shop\a\n", ["not YAML"]),
}


@pytest.mark.parametrize("case", PLACES)
def test_a_configuration_that_cannot_be_read_is_refused(tmp_path, case):
    content, words = PLACES[case]
    config = tmp_path / "shop.yaml"
    if content == "folder":
        config.mkdir()
    elif content is not None:
        config.write_bytes(content)
    refused(tmp_path, "run", config, 2, words, ["shop.yaml"] if isinstance(content, bytes) else [])


def test_a_configuration_below_a_file_is_refused(tmp_path, make_shop):
    config = make_shop(tmp_path) / "shop.yaml"
    refused(tmp_path, "run", config, 2, ["Not a directory"], ["log.csv", "shop.yaml"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_for_a_file_is_refused_and_not_waited_for(tmp_path, make_shop):
    config = make_shop(tmp_path)
    (tmp_path / "log.csv").unlink()
    os.mkfifo(tmp_path / "log.csv")
    refused(tmp_path, "audit", config, 3, ["there is no file"], ["shop.yaml"])


def test_there_are_enough_of_them():
    assert sum(map(len, (ROWS, FILES, LOGS, CONFIGS, PLACES))) >= 140


def test_the_log_and_the_configuration_behind_these_cases_are_fine(tmp_path, make_shop):
    result = CliRunner().invoke(app, ["audit", str(make_shop(tmp_path))])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "shop" / "audit.json").exists()
