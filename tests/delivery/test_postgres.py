"""A table of a real Postgres server."""

import datetime as dt
import itertools

import numpy as np
import psycopg
import pytest

from patron import ConfigError
from patron._core.errors import DeliveryError
from patron.delivery import postgres as module
from patron.delivery.postgres import Postgres

pytestmark = pytest.mark.delivery
NAMES = {"churn_probability": "Churn %", "churn_band": "band", "p_alive": "alive", "clv": "clv", "as_of": "day",
         "scored_at": "at", "churn_horizon_days": "h"}  # fmt: skip
THEIRS = 'day date, h int, "Churn %" real, band text, alive real, clv real, at timestamptz'
_serial = itertools.count()


def note(token):
    del token


@pytest.fixture
def table():
    return f"scores_{next(_serial)}"


@pytest.fixture
def query(postgres):
    def asked(text):
        with psycopg.connect(postgres) as connection:
            found = connection.execute(text)
            return found.fetchall() if found.description else []

    return asked


@pytest.fixture
def deliver(postgres, make_scores, make_rows_of, table, monkeypatch, tmp_path):
    """`deliver(table, **settings)` sends a score table; the answer."""
    monkeypatch.setattr(module, "WAITS", (0.0, 0.0))

    def sent(scores=None, check=True, **settings):
        rows = make_rows_of(make_scores() if scores is None else scores, NAMES)
        target = Postgres(rows.fields, tmp_path, **{"url": postgres, "table": table, **settings})
        if check:
            target.check()
        [batch] = target.batches(rows.frame(np.arange(len(rows.table))))
        return target.send(batch, note)

    return sent


def test_a_table_is_made_with_types_that_fit(deliver, query, table):
    assert deliver().accepted == {f"c{i}" for i in range(6)}
    types = query(
        f"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{table}'::regclass "
        "AND attnum > 0 ORDER BY attnum"
    )
    assert types == [
        ("customer_id", "text"), ("day", "date"), ("h", "integer"), ("Churn %", "numeric(24,6)"), ("band", "text"),
        ("alive", "numeric(24,6)"), ("clv", "numeric(24,2)"), ("at", "timestamp with time zone"),
    ]  # fmt: skip
    [row] = query(f"SELECT * FROM {table} WHERE customer_id = 'c0'")
    at = dt.datetime(2024, 6, 30, 12, tzinfo=dt.UTC)
    assert [str(value) for value in row[:7]] == ["c0", "2024-06-30", "91", "0.142857", "low", "None", "100.00"]
    assert row[7] == at


def test_only_rows_that_changed_are_written(deliver, query, table, make_scores):
    deliver()
    before = dict(query(f"SELECT customer_id, xmin::text FROM {table}"))
    scores = make_scores()
    scores.loc[2, "clv"] = 1.25
    deliver(scores)
    after = dict(query(f"SELECT customer_id, xmin::text FROM {table}"))
    assert [customer for customer in before if before[customer] != after[customer]] == ["c2"]


def test_names_and_values_that_need_quotes_arrive_as_they_are(deliver, query, table, make_scores):
    ids = ["007", 'a"b', "a,b", "back\\slash", "\\N", "líne\nbreak"]
    query('CREATE SCHEMA IF NOT EXISTS "Odd ""schema"')
    scores = make_scores().assign(customer_id=ids)
    scores.loc[0, "churn_band"] = ""
    deliver(scores, table=f'Odd "schema.{table}; DROP TABLE x')
    held = query(f'SELECT customer_id, band FROM "Odd ""schema"."{table}; DROP TABLE x"')
    assert sorted(customer for customer, _ in held) == sorted(ids)
    assert ("007", "") in held


def test_more_columns_there_are_left_alone(deliver, query, table):
    query(f"CREATE TABLE {table} (customer_id text PRIMARY KEY, {THEIRS}, note text DEFAULT 'theirs')")
    assert len(deliver().accepted) == 6
    query(f"UPDATE {table} SET note = 'ours' WHERE customer_id = 'c1'")
    deliver()
    assert dict(query(f"SELECT customer_id, note FROM {table}"))["c1"] == "ours"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("CREATE TABLE {} (customer_id text PRIMARY KEY)", "ALTER TABLE ... ADD COLUMN"),
        (f"CREATE TABLE {{}} (customer_id text, {THEIRS})", "let the column of customer_id be the table's primary key"),
        ("CREATE VIEW {} AS SELECT 1 AS customer_id", "Fix"),
    ],
)
def test_a_table_that_does_not_fit_is_found_before_anything_is_sent(deliver, query, table, made, told):
    query(made.format(table))
    with pytest.raises(DeliveryError, match=told):
        deliver()


def test_a_check_leaves_nothing_there(deliver, query, table, postgres, make_scores, make_rows_of, tmp_path):
    rows = make_rows_of(make_scores(), NAMES)
    Postgres(rows.fields, tmp_path, url=postgres, table=table).check()
    assert query(f"SELECT to_regclass('{table}')") == [(None,)]


def test_a_row_that_cannot_be_held_stops_the_whole_transaction_and_is_named(deliver, query, table, make_scores):
    deliver()
    scores = make_scores(8)
    scores.loc[7, "customer_id"] = "with\0nul"
    with pytest.raises(DeliveryError, match=r"invalid byte sequence.*line 8.*mend the row"):
        deliver(scores)
    assert query(f"SELECT count(*) FROM {table}") == [(6,)]


def test_rows_that_a_trigger_alters_are_no_longer_counted_as_held(deliver, query, table):
    deliver()
    query(
        f"CREATE FUNCTION meddle_{table}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF NEW.customer_id = 'c3' THEN NEW.band := 'odd'; END IF; "
        "IF NEW.customer_id = 'c4' THEN RETURN NULL; END IF; RETURN NEW; END $$"
    )
    query(f"DELETE FROM {table}")
    query(f"CREATE TRIGGER meddle BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION meddle_{table}()")
    answer = deliver()
    assert answer.accepted == {"c0", "c1", "c2", "c5"}
    assert set(answer.refused) == {"c3", "c4"}
    assert "look for a trigger" in answer.refused["c3"]


@pytest.fixture
def cutting(monkeypatch, query):
    """`cutting(times)` ends the connection in the middle of so many copies, as a server that restarts does."""

    def cut(times):
        left = itertools.count(times, -1)
        written = module._csv

        def severed(part):
            if next(left) > 0:
                query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY patron_staging%'")
            return written(part)

        monkeypatch.setattr(module, "_csv", severed)

    return cut


def test_a_connection_cut_in_the_middle_is_tried_anew(deliver, query, table, cutting):
    cutting(2)
    assert len(deliver().accepted) == 6
    assert query(f"SELECT count(*) FROM {table}") == [(6,)]


def test_a_server_that_stays_away_is_said_and_holds_no_half_delivery(deliver, query, table, cutting, monkeypatch):
    deliver()
    cutting(3)
    with pytest.raises(DeliveryError, match=r"check that the server runs"):
        deliver(check=False)
    assert query(f"SELECT count(*) FROM {table}") == [(6,)]
    assert len(deliver().accepted) == 6


def test_a_row_that_cannot_be_named_again_is_not_counted_as_held(deliver, query, table, make_scores):
    query(f"CREATE TABLE {table} (customer_id int PRIMARY KEY, {THEIRS})")
    query(f"CREATE FUNCTION drop_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
    query(f"CREATE TRIGGER lose BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION drop_{table}()")
    with pytest.raises(DeliveryError, match="does not keep customer_id as text"):
        deliver(make_scores().assign(customer_id=[f"00{i}" for i in range(6)]))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "postgresql://me:secret@host/shop"}, "it holds a password"),
        ({"url": "nonsense nonsense"}, "not a URL of Postgres"),
        ({"table": "a.b.c"}, "not a table"),
        ({"table": ""}, "not a table"),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_no_password_is_shown(deliver, settings, told):
    with pytest.raises(ConfigError, match=told) as error:
        deliver(**settings)
    assert "secret" not in str(error.value)


def test_a_server_that_is_not_there_is_said_without_its_password(deliver, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", "hush-hush")
    with pytest.raises(DeliveryError, match=r"scores_\d+ in postgresql://me@127.0.0.1:1/shop: ") as error:
        deliver(url="postgresql://me@127.0.0.1:1/shop", password="CRM_PASSWORD")
    assert "hush-hush" not in str(error.value)
