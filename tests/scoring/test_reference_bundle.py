"""The committed bundle still loads and still says what it said when it was made."""

import json
from pathlib import Path

import pandas as pd
import pytest

import patron

ROOT = Path(__file__).parents[2]
WANTED = json.loads((ROOT / "tests" / "golden" / "cdnow_reference_scores.json").read_text(encoding="utf-8"))


@pytest.mark.golden
def test_the_reference_bundle_scores_to_the_stored_numbers(cdnow_sample):
    scorer = patron.Scorer.load(ROOT / "models" / "cdnow-reference")
    table = scorer.score(patron.features(cdnow_sample, "1998-06-30", unit="week"), reasons_rows=50)
    table = table.set_index("customer_id")
    assert len(WANTED) >= 30
    for row in WANTED:
        found = table.loc[row["customer_id"]]
        for name, value in row.items():
            if name == "customer_id":
                continue
            if isinstance(value, float):
                assert found[name] == pytest.approx(value, rel=1e-9), name
            elif name == "as_of":
                assert found[name] == pd.Timestamp(value).tz_localize(None)
            else:
                assert found[name] == value or (value is None and pd.isna(found[name])), name
    assert sum(row["reason_1"] is not None for row in WANTED) >= 3
