import numpy as np
import pandas as pd
import pytest

from patron import plots
from patron.metrics import METRICS
from patron.report import ReportContent, render
from tests.report.reading import Reader

DAYS = pd.to_datetime(["1998-02-03", "1998-03-03", "1998-03-31"])
RECIPES = {"churn": ["base_rate", "bg_nbd", "stack"], "value": ["average", "bg_nbd", "blend"]}


def leaderboard():
    rng = np.random.default_rng(5)
    rows = []
    for task, metrics in METRICS.items():
        for day in DAYS:
            for population, n in (("all", 800), ("active", 250)):
                for recipe in RECIPES[task]:
                    for name, metric in metrics.items():
                        value = rng.uniform(0.5, 0.9)
                        reach = 0.05 if metric.interval else np.nan
                        rows.append((task, recipe, day, population, name, value, value - reach, value + reach, n))
    names = ["task", "recipe", "as_of", "population", "metric", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names)


def scores(customers=800):
    rng = np.random.default_rng(6)
    risk = rng.beta(2, 1, customers)
    revenue = rng.lognormal(2, 1, customers) * (1.05 - risk)
    return pd.DataFrame(
        {
            "customer_id": [f"{i:05d}" for i in range(customers)],
            "churn_probability": risk,
            "churn_band": np.select([risk >= 0.6, risk >= 0.3], ["high", "medium"], "low"),
            "expected_purchases": revenue / 30,
            "expected_revenue": revenue,
            "clv": revenue * 0.95,
            "segment": np.where(np.arange(customers) % 4, "Lost", "Champions"),
            "value_band": np.where(revenue > 8, "high", "low"),
            "recommended_action": np.where(revenue > 8, "call before they leave", "newsletter only"),
            "reason_1": "silent for 214 days, usually 31",
            "reason_2": [None if i % 2 else "bought once" for i in range(customers)],
        }
    )


def predictions(table):
    rng = np.random.default_rng(7)
    left = rng.uniform(size=len(table)) < table["churn_probability"]
    common = {"as_of": DAYS[-1], "customer_id": table["customer_id"]}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "task": "churn",
                    "recipe": "stack",
                    "prediction": table["churn_probability"],
                    "actual": left * 1.0,
                    **common,
                }
            ),
            pd.DataFrame(
                {
                    "task": "value",
                    "recipe": "blend",
                    "prediction": table["expected_revenue"],
                    "actual": table["expected_revenue"] * ~left,
                    **common,
                }
            ),
        ],
        ignore_index=True,
    )


def explained():
    importance = [("family", "purchase history", 0.08), ("family", "silence", 0.004), ("feature", "gap_mean", 0.003)]
    curve = {"feature": "gap_mean", "value": [7.0, 28.0, np.nan], "prediction": [0.5, 0.6, 0.55]}
    errors = {"as_of": "1998-03-31", "n": [300, 500], "predicted": 0.5, "actual": [0.4, 0.5], "bias": [1.25, 1.0]}
    errors |= {"low": [1.1, 0.9], "high": [1.4, 1.1], "mae": 0.3, "rmse": 0.4}
    groups = {"cohort": ["1997-01", "1997-02"], "tenth": ["1", "2"]}
    both = list(METRICS)
    return {
        "importance": pd.concat(
            [
                pd.DataFrame(importance, columns=["level", "name", "increase"]).assign(
                    task=task, spread=0.001, loss=0.16, note=""
                )
                for task in both
            ]
        ),
        "dependence": pd.concat([pd.DataFrame(curve).assign(task=task, low=0.4, high=0.7) for task in both]),
        "errors": pd.concat(
            [
                pd.DataFrame(errors).assign(task=task, by=by, group=group)
                for task in both
                for by, group in groups.items()
            ]
        ),
        "horizon": pd.DataFrame({"configured": [91], "suggested": [28], "far": [True], "reason": ["Gaps are short."]}),
    }


def movement():
    rows = [
        ("churn_band", "(newcomer)", "low", 12, 0.0, 240.0),
        ("churn_band", "high", "high", 600, 900.0, 800.0),
        ("churn_band", "low", "high", 7, 410.0, 55.0),
        ("churn_band", "medium", "high", 30, 700.0, 300.0),
        ("churn_band", "high", "low", 5, 20.0, 130.0),
        ("churn_band", "medium", "(gone)", 1, 33.0, 0.0),
    ]
    return pd.DataFrame(rows, columns=["of", "before", "after", "customers", "clv_before", "clv_after"])


MONTHS = pd.date_range("1997-01-01", periods=18, freq="MS")
BASE = {
    "revenue": {"low": 5000.0, "high": 7000.0},
    "clv": {"low": 4800.0, "high": 6600.0},
    "level": 0.9,
    "earlier": {"as_of": "1998-03-31", "customers": 700, "revenue": 4000.0, "clv": 3900.0},
}


def kpis():
    steps = np.arange(len(MONTHS))
    index = MONTHS.strftime("%Y-%m-%d").rename("period")  # as CSV brings it
    activity = {"end": 100 + steps, "new": 30 - steps, "reactivated": 2 + steps, "lost": 5 + steps}
    sales = {"revenue": 1000.5 + steps, "orders": 50 + steps, "customers": 40 + steps, "repeat_rate": steps / 20}
    triangle = np.where(np.add.outer(range(6), range(6)) < 6, 40.0 / (1 + np.arange(6)), np.nan)
    cohorts = pd.DataFrame(triangle, index=index[:6].rename("cohort"), columns=[str(k) for k in range(6)])
    return {
        "activity": pd.DataFrame(activity, index=index).assign(retention=[np.nan, *np.linspace(0.9, 0.5, 17)]),
        "sales": pd.DataFrame(sales, index=index).assign(average_order_value=20.0),
        "cohorts": cohorts,
        "cohort_revenue": cohorts * 1234.5,
        "acquisition": pd.DataFrame({"cac": [3.5], "payback_months": [np.nan]}, index=["search"]),
    }


def plan(table):
    profit = table["expected_revenue"] * table["churn_probability"] - 5
    return pd.DataFrame(
        {
            "customer_id": table["customer_id"],
            "group": np.select([np.arange(len(table)) % 10 == 0, profit > 0], ["control", "contact"], "none"),
            "contact_profit": profit,
            "value_if_retained": table["expected_revenue"] * 2,
            "cost": 1.25,
            "churn_probability": table["churn_probability"],
            "segment": table["segment"],
            "recommended_action": table["recommended_action"],
        }
    )


PLANNED = {
    "as_of": "1998-06-30",
    "currency": "USD",
    "customers": 800,
    "contacted": 123,
    "cost": 153.75,
    "profit": 4321.4,
    "top": 0.61,
    "cut_off": 0.42,
    "budget": 154.0,
    "spent": True,
    "left_out": 17,
    "control_share": 0.1,
    "control": 80,
    "control_chosen": 14,
    "terms": {"save_rate": 0.12, "take_up": 0.5, "incentive": 2.0, "contact_cost": 0.25, "left_alone": 4.59},
    "left_alone_given": False,
    "measured": {"spend": 15.3, "days": 274, "churners": 571, "as_of": ["1997-06-02", "1997-06-30"]},
    "test": {
        "days": 91,
        "power": 0.8,
        "significance": 0.05,
        "buyers": [0.3, 0.36],
        "need": 964,
        "spend": 2.0,
        "deviation": 45.0,
        "need_for_spend": 7947,
        "have": 25.1,
    },
}
LEDGER = {
    "verdict": "recalibrate",
    "reason": "off beyond noise: churn predicted / happened 0.800 (0.750 to 0.850)",
    "model": "shop/3",
    "version": 3,
    "as_of": "1998-06-30",
    "notes": ["churn: 900 predictions for 450 untreated customers of 2 days"],
    "waiting": [
        {"as_of": "1998-03-31", "version": 3, "churn_matures": "1998-06-30", "value_matures": "1999-03-31"},
        {"as_of": "1998-06-30", "version": 3, "churn_matures": "1998-09-29", "value_matures": "1999-06-30"},
    ],
    "left_out": ["as_of=1998-01-31/version=2: half written, it has no manifest.json"],
    "calibration": [
        {"tenth": 1, "predicted": 0.123, "actual": 0.2, "customers": 44, "rows": 90},
        {"tenth": 2, "predicted": 0.3, "actual": 0.41, "customers": 45, "rows": 91},
    ],
    "drift": [
        {"feature": "spend_90", "kind": "input", "psi": 0.9, "between_days": 1.5, "noise": 0.02, "drifted": False},
        {
            "feature": "churn_probability",
            "kind": "prediction",
            "psi": 0.31,
            "between_days": 0.01,
            "noise": 0.02,
            "drifted": True,
        },
        *(
            {
                "feature": f"quiet_{i}",
                "kind": "input",
                "psi": 0.001,
                "between_days": 0.01,
                "noise": 0.02,
                "drifted": False,
            }
            for i in range(20)
        ),
    ],
}


def accounts():
    rows = [
        ("churn", version, by, "", treatment, metric, value, value - 0.05, value + 0.05, 450, 900)
        for version in (2, 3)
        for by, treatment in (("all", "control"), ("all", "treated"), ("all", "untreated"), ("cohort", "untreated"))
        for metric, value in (("bias", 0.8 + 0.01 * version), ("auc", 0.7))
    ]
    names = ["task", "version", "by", "group", "treatment", "metric", "value", "low", "high", "customers", "rows"]
    return pd.DataFrame(rows, columns=names)


BASIC = {
    "name": "shop",
    "as_of": "1998-06-30",
    "model_version": "shop/3",
    "currency": "USD",
    "churn_horizon": "91 days",
    "value_horizon": "12 months",
}


@pytest.fixture(scope="session")
def minimal():
    columns = ["customer_id", "churn_probability", "churn_band", "expected_revenue"]
    return ReportContent(**BASIC, scores=scores(20)[columns])


@pytest.fixture(scope="session")
def full():
    table = scores()
    return ReportContent(
        **BASIC,
        scores=table,
        clv_basis="12 months; margin 1.0; 10 %/yr",
        leaderboard=leaderboard(),
        predictions=predictions(table),
        champions={"churn": "stack", "value": "blend"},
        verdicts={"churn": "stack has the best mean Brier score.", "value": "blend has the best mean rank."},
        explained=explained(),
        base=BASE,
        kpis=kpis(),
        movement=movement(),
        moved_since="1998-03-31",
        plan=plan(table),
        planned=PLANNED,
        ledger=LEDGER,
        accounts=accounts(),
        audit=pd.DataFrame(
            {
                "check": ["duplicates", "partial last day"],
                "rows": [255, 0],
                "example": ["00007", None],
                "action": ["kept: a line item repeats", "none"],
                "level": ["info", "warn"],
            }
        ),
        data={"rows": 69_659, "observed until": pd.Timestamp("1998-06-30")},
        models={
            "BetaGeoNBD": pd.DataFrame(
                {"estimate": [0.2426, 4.4136], "standard_error": [0.0126, np.nan], "note": ["", "at the edge"]},
                index=["r", "alpha"],
            )
        },
        made={"training days": ["1997-12-30", "1998-01-27"], "data digest": "9f" * 32},
    )


@pytest.fixture(scope="session")
def full_page(full):
    return render(full)


@pytest.fixture
def undrawn(monkeypatch):
    """Pages whose pictures are empty: for tests of what the page says."""
    monkeypatch.setattr(plots, "to_png", lambda *_, **__: b"")


@pytest.fixture(scope="session")
def minimal_page(minimal):
    return render(minimal)


@pytest.fixture(scope="session")
def full_read(full_page):
    return Reader(full_page)
