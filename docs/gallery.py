"""Writes docs/plots.md and its pictures: every plot, the question it answers, and the very call that drew it."""

from __future__ import annotations

import inspect
import io
from collections import Counter
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from PIL import Image

from patron import plots

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "plots.md"
PICTURES: Final = ROOT / "docs" / "pictures" / "plots"
DOTS: Final = 144
COLOURS: Final = 96
"""Of a picture's palette: enough for lettering and maps, and a third of the bytes."""

DATA: Final = """\
from types import SimpleNamespace

import patron
from patron import kpis, metrics, plots
from patron.decisions.movement import movement
from patron.evaluation import cohorts, errors, families, first_purchases, partial_dependence, permutation_importance

log = patron.datasets.load_cdnow_sample()
before = patron.rfm_summary(log, "1997-09-30", unit="week")
after = patron.rfm_summary(log, "1998-06-30", unit="week")["frequency"] - before["frequency"]
models = {"BG/NBD": patron.BetaGeoNBD().fit(before), "Pareto/NBD": patron.ParetoNBD().fit(before)}
pareto, spend = models["Pareto/NBD"], patron.GammaGamma().fit(before)
values = patron.CustomerValue(pareto, spend).interval(before, "273 days")

past = {"horizon": "91 days", "as_of": ["1998-02-03", "1998-03-03", "1998-03-31"]}
churn = patron.backtest(log, task="churn", recipes=["base_rate", "overdue", "bg_nbd", "pareto_nbd"], **past)
value = patron.backtest(log, task="value", recipes=["average", "bg_nbd", "pareto_nbd"], **past)
risks = churn.predictions[churn.predictions["recipe"] == "pareto_nbd"]
last = risks[risks["as_of"] == "1998-03-31"]
spent = value.predictions[(value.predictions["recipe"] == "pareto_nbd") & (value.predictions["as_of"] == "1998-03-31")]
year = 4 * spent.set_index("customer_id")["prediction"].loc[last["customer_id"]].to_numpy()
ranks = {"by risk": last["prediction"], "by what is at stake": last["prediction"] * year}

learned, known = patron.split(patron.snapshots(log, ["1997-09-30", "1997-12-30"], horizon="91 days"))
classifier = patron.ChurnClassifier().fit(learned, known["churned"])
held, came = patron.split(patron.snapshots(log, "1998-03-31", horizon="91 days"))
risk = SimpleNamespace(predict=lambda rows: classifier.predict_proba(rows)[:, 1])
moving = permutation_importance(risk, held, came["churned"], metrics.METRICS["churn"]["brier"], families(held))
months = cohorts(first_purchases(held))
off = errors(held.assign(prediction=risk.predict(held), actual=came["churned"]).reset_index(), months)

scorer = patron.Scorer.load("models/cdnow-reference")
earlier, scores = (scorer.score(patron.features(log, day, unit="week")) for day in ("1998-03-31", "1998-06-30"))
"""

SECTIONS: Final[dict[str, list[tuple[str, str]]]] = {
    "What a model believes": [
        ("How many purchases are expected of whom?", "plots.plot_frequency_recency(pareto, horizon=39)"),
        ("Who is still a customer?", "plots.plot_probability_alive(pareto)"),
        ("Who is worth the same?", "plots.plot_iso_value(pareto, discount_rate=0.15)"),
        ("What does silence say?", "plots.plot_silence(pareto)"),
        ("Is this customer still alive?", 'plots.plot_history_alive(models, log, "00111")'),
        ("What will a new customer buy?", "plots.plot_expected_purchases(models)"),
        ("How much do customers differ in how often they buy?", "plots.plot_rates(models)"),
        ("And in how soon they leave?", 'plots.plot_rates(models["BG/NBD"], "leaving")'),
    ],
    "How far to trust it": [
        ("Does the model keep track?", 'plots.plot_tracking_purchases(models, log, fitted_until="1997-09-30")'),
        ("And week by week?", "plots.plot_tracking_purchases(models, log, cumulative=False)"),
        ("How many bought how often?", "plots.plot_purchase_counts(models, before)"),
        ("Does what is expected come?", "plots.plot_calibration_holdout(models, before, after, horizon=39)"),
        ("And by how lately they bought?", 'plots.plot_calibration_holdout(models, before, after, 39, by="recency")'),
        ("What do they spend?", 'plots.plot_spend_fit(spend, before, currency="USD")'),
        ("How long between purchases?", "plots.plot_gaps(log)"),
        ("When did they buy?", "plots.plot_timelines(log)"),
    ],
    "The business over time": [
        ("Does the active base grow?", "plots.plot_activity(kpis.activity(log))"),
        ("How many stay?", 'plots.plot_activity(kpis.activity(log, by="cohort"), measure="retention")'),
        ("What is sold?", 'plots.plot_sales(kpis.sales(log, by="cohort"), "revenue", currency="USD")'),
        ("What became of each cohort?", 'plots.plot_cohorts(kpis.cohorts(log, measure="share"))'),
    ],
    "The customer base": [
        ("Who holds the value?", 'plots.plot_value_concentration(scores["clv"])'),
        ("Where do risk and value meet?", 'plots.plot_risk_by_value(scores, currency="USD")'),
        ("What are the best worth, give or take?", 'plots.plot_value_interval(values, currency="USD")'),
        ("Who moved between segments?", "plots.plot_segment_flow(movement(earlier, scores))"),
    ],
    "Churn: how true, whom first, why": [
        ("Is the risk true?", 'plots.plot_calibration(last["actual"], last["prediction"])'),
        ("Day by day?", "plots.plot_calibration_by_day(risks)"),
        ("Whom does it find first?", 'plots.plot_lift(last["actual"], last["prediction"])'),
        ("Day by day?", "plots.plot_lift_by_day(risks)"),
        (
            "How many are worth contacting?",
            'plots.plot_profit(last["actual"], ranks, year, campaign=metrics.Campaign(contact=3), currency="USD")',
        ),
        ("What moves the risk?", "plots.plot_reasons(classifier.family_contributions(held))"),
        ("What does it lean on?", 'plots.plot_importance(moving, "brier")'),
        (
            "How does one feature move it?",
            'plots.plot_partial_dependence(partial_dependence(risk, held, "days_since_last"), "churn")',
        ),
        ("Is it off for some cohorts?", 'plots.plot_errors(off, "cohort", "churn")'),
    ],
    "Which recipe": [
        ("Which is best?", 'plots.plot_leaderboard(churn.table, "brier", champion="pareto_nbd")'),
        ("Did the predicted total come?", 'plots.plot_tracking(value.predictions, "value", champion="pareto_nbd")'),
        (
            "Does the predicted spend come?",
            'plots.plot_decile_values(spent["actual"], spent["prediction"], currency="USD")',
        ),
    ],
}

HEAD: Final = """\
# Plots

{first}

Each takes `ax=` and returns it, so that plots stand side by side; `plots.to_png(ax)` gives the same bytes each time.
Colours are told apart by every kind of colour vision, and lines by stroke and mark too. Where the first argument is a
model, a dict {{label: model}} draws several over each other. All below are of the 2,357 customers of the CDNOW sample,
and drawn by the call beneath each (`docs/gallery.py`) with

```python
{data}```
"""


def draw(call: str, scope: dict[str, Any]) -> bytes:
    """Return the picture that a call draws, in few colours."""
    ax: Axes = eval(call, scope)  # noqa: S307  # the calls above, which the page shows
    whole = Image.open(io.BytesIO(plots.to_png(ax, dpi=DOTS))).convert("RGB")
    out = io.BytesIO()
    whole.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def write() -> None:
    """Draw every picture and write the page."""
    scope: dict[str, Any] = {}
    exec(DATA, scope)  # noqa: S102  # what the page shows
    PICTURES.mkdir(parents=True, exist_ok=True)
    first = " ".join((inspect.getdoc(plots) or "").split("\n\n")[0].split())
    page = [HEAD.format(first=first, data=DATA)]
    drawn: Counter[str] = Counter()
    for section, pictures in SECTIONS.items():
        page.append(f"## {section}\n")
        for question, call in pictures:
            name = call.split("(")[0].removeprefix("plots.plot_")
            drawn[name] += 1
            picture = f"{name}-{drawn[name]}.png" if drawn[name] > 1 else f"{name}.png"
            (PICTURES / picture).write_bytes(draw(call, scope))
            page.append(f"**{question}**\n\n![{question}](pictures/plots/{picture})\n\n```python\n{call}\n```\n")
    PAGE.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    write()
