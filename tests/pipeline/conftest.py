from pathlib import Path

import pytest

from patron import datasets, pipeline

CONFIG = """\
name: shop
workspace: "{workspace}"
data:
  transactions: {{source: "{source}"}}
churn:
  horizon: 91 days
  test: {{last: 2, every: 91 days}}
  recipes: [base_rate, bg_nbd, stack]
  settings: {{stack: {{transaction_model: bg_nbd}}}}
value:
  test_horizon: 91 days
  recipes: [average, bg_nbd, blend]
  settings: {{blend: {{transaction_model: bg_nbd}}}}
score:
  bands: {{high: 0.9, medium: 0.5}}
  reasons: {{rows: 50, by: expected_loss}}
"""


def write_config(folder: Path, source: str = "dataset:cdnow-sample", text: str = CONFIG) -> Path:
    path = folder / "shop.yaml"
    path.write_text(text.format(workspace=folder, source=source))
    return path


@pytest.fixture(scope="session")
def named_ids(tmp_path_factory):
    """CDNOW's sample as a CSV whose customers are random words of sixteen letters."""
    import numpy as np

    frame = datasets.source("cdnow-sample")
    rng = np.random.default_rng(7)
    ids = sorted(frame["customer_id"].unique())
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 16)) for _ in ids]
    frame["customer_id"] = frame["customer_id"].map(dict(zip(ids, words, strict=True)))
    path = tmp_path_factory.mktemp("named") / "log.csv"
    frame.to_csv(path, index=False)
    return path, words


@pytest.fixture(scope="session")
def done(tmp_path_factory, named_ids):
    """A workspace in which the main job ran once, on the named customers."""
    folder = tmp_path_factory.mktemp("shop")
    config = write_config(folder, source=str(named_ids[0]))
    told = pipeline.run(config)
    return config, told
