import numpy as np
import pandas as pd
import pytest

from patron.metrics import METRICS
from patron.report import ReportContent, render

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


@pytest.fixture(scope="session")
def minimal_page(minimal):
    return render(minimal)
