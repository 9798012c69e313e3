import pandas as pd
import pytest

from patron.metrics.churn import auc, brier
from patron.recipes import recipe
from patron.recipes.training import Timeline, training_days

T = pd.Timestamp("1998-03-31")


@pytest.mark.slow
@pytest.mark.golden
def test_the_stack_beats_the_transaction_model_on_cdnow(cdnow):
    line = Timeline(cdnow, horizon=91, unit="week", which="core")
    data = line.training(T, training_days(cdnow.first_day, T, 91, 28))
    rows = line.test(T)
    churned = rows["churned"].to_numpy(dtype=float)
    stack = recipe("stack", "churn", num_threads=1).fit(data)
    alone = recipe(stack.model.name, "churn").fit(data).predict(rows)
    together = stack.predict(rows)
    assert stack.trees.n_trees_ >= 20
    assert brier(churned, together) < brier(churned, alone)
    assert auc(churned, together) > auc(churned, alone)
