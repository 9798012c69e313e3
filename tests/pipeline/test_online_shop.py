"""An online shop's export, read by the very configuration that the guide shows: from files to scores, plan and page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from patron import pipeline

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::patron.PatronWarning")]
GUIDE = Path(__file__).parents[2] / "docs" / "own-data.md"
CHEAP = {
    "churn": {"horizon": "60 days", "test": {"last": 2, "every": "60 days"}, "recipes": ["base_rate"]},
    "value": {"test_horizon": "60 days", "margin": 0.35, "recipes": ["average"]},
    "score": {"reasons": {"rows": 0}},
    "features": "core",
    "resources": {"threads": 1},
}


def german(amount: float) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def export(folder: Path) -> pd.DataFrame:
    """Write the files of a shop of 300 customers, as a German system does; the orders as they are meant."""
    rng = np.random.default_rng(5)
    rows = []
    for customer in range(300):
        day, left = rng.integers(0, 200), rng.integers(60, 700)
        while day < min(left, 420):
            stamp = pd.Timestamp("2023-01-01") + pd.Timedelta(minutes=int(day * 1440 + rng.integers(0, 1440)))
            rows.append((customer, stamp, 900 * rng.random() ** 4 + 5))
            day += 1 + rng.exponential(25 + customer % 40)
    meant = pd.DataFrame(rows, columns=["customer", "stamp", "amount"]).round({"amount": 2})
    n = len(meant)
    meant["status"] = rng.choice(["paid", "shipped", "cancelled", "pending"], n, p=[0.3, 0.6, 0.07, 0.03])
    meant["guest"] = rng.random(n) < 0.05
    meant["currency"] = np.where(meant["customer"] % 6 == 0, "CHF", "EUR")
    meant["back"] = (meant["amount"] * (rng.random(n) < 0.03) / 2).round(2)
    orders = pd.DataFrame(
        {
            "Bestellnummer": range(n),
            "Kundennummer": meant["customer"].map("{:05}".format).where(~meant["guest"], ""),
            "E-Mail": "jürgen@example.de",
            "Bestelldatum": meant["stamp"].dt.strftime("%d.%m.%Y %H:%M"),
            "Status": meant["status"],
            "Gesamtbetrag": meant["amount"].map(german),
            "Erstattet": meant["back"].map(german).where(meant["back"] > 0, ""),
            "Währung": meant["currency"],
            "Kanal": rng.choice(["Büro", "Newsletter"], n),
        }
    )
    people = [f"{customer:05}" for customer in range(300)]
    places = pd.DataFrame({"Kundennummer": people, "Anrede": "Frau", "Land": ["CH", *["DE"] * 5] * 50})
    clicks = orders[["Kundennummer"]].assign(Zeitpunkt=orders["Bestelldatum"], Art="Klick", Wert="")
    clicks = clicks[clicks["Kundennummer"] != ""].iloc[::3]
    days = pd.date_range("2022-12-30", "2024-02-26", freq="B")
    rates = pd.DataFrame({"Datum": days.strftime("%d.%m.%Y"), "Währung": "CHF", "Kurs": "1,0525"})
    folder.mkdir()
    for name, frame, encoding in (
        ("orders", orders, "cp1252"),
        ("customers", places, "cp1252"),
        ("events", clicks, "utf-8-sig"),
        ("rates", rates, "utf-8"),
    ):
        frame.to_csv(folder / f"{name}.csv", index=False, sep=";", encoding=encoding, lineterminator="\r\n")
    return meant


def test_the_guide_s_configuration_takes_an_export_from_files_to_a_plan(tmp_path, untracked):
    meant = export(tmp_path / "export")
    section = GUIDE.read_text(encoding="utf-8").split("## An online shop's export")[1]
    shown = yaml.safe_load(re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1])
    config = tmp_path / "shop.yaml"
    config.write_text(yaml.safe_dump(shown | CHEAP | {"workspace": str(tmp_path)}), encoding="utf-8")

    log = pipeline.inputs.read(config)
    kept = meant[meant["status"].isin(["paid", "shipped"])]
    named = kept[~kept["guest"]]
    worth = np.where(named["currency"] == "CHF", 1.0525, 1.0)
    assert log.rows == len(named) + (named["back"] > 0).sum()
    assert log.n_customers == named["customer"].nunique()
    total = log.table.amount.sum().to_pyarrow().as_py() / 100
    assert total == pytest.approx(((named["amount"] - named["back"]) * worth).sum(), abs=0.005 * log.rows)
    first = named["stamp"].min().normalize()
    assert log.first_day == (first - pd.Timestamp("1970-01-01")).days

    with untracked():
        pipeline.run(config)
    out = tmp_path / "out" / "online-shop"
    audit = json.loads((out / "audit.json").read_text())
    found = {f["check"]: f["rows"] for f in audit["findings"]}
    assert found["columns not read"] == 1
    assert found["rows left out of Status 'cancelled'"] == (meant["status"] == "cancelled").sum()
    assert found["rows of guests left out"] == kept["guest"].sum() + (kept["guest"] & (kept["back"] > 0)).sum()
    assert found["amounts converted from CHF"] == (kept["currency"] == "CHF").sum()
    scores = pd.read_csv(out / json.loads((out / "latest.json").read_text())["folder"] / "scores.csv", dtype=str)
    assert len(scores) == named["customer"].nunique()
    assert scores["customer_id"].str.fullmatch("[0-9]{5}").all()
    assert (out / "report.html").stat().st_size > 0
    assert len(list(out.glob("plans/*/*/plan.csv"))) == 1
