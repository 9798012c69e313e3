"""A tiny shop whose log is fine, so that whatever a test breaks is the only thing wrong."""

from pathlib import Path

import pandas as pd
import pytest

collect_ignore = ["killed.py"]  # a script
HEAD = "customer_id,time,amount\n"
CONFIG = """\
name: shop
workspace: "{folder}"
data:
  transactions: {{source: "{source}"}}
churn: {{horizon: 60 days, test: {{last: 2, every: 60 days}}, recipes: [base_rate, bg_nbd]}}
value: {{test_horizon: 60 days, recipes: [average, bg_nbd]}}
score: {{reasons: {{rows: 0}}}}
resources: {{threads: 1}}
"""


def rows(customers: int = 40, days: int = 420, repeat: int = 5) -> str:
    """Lines of a log that is fine: each customer buys `repeat` times."""
    start = pd.Timestamp("2022-01-01")
    lines = []
    for customer in range(customers):
        for k in range(repeat):
            day = start + pd.Timedelta(days=(customer * 7 + k * days // repeat) % days)
            lines.append(f"c{customer:03},{day.date()},{10 + customer}.50")
    return "\n".join(lines) + "\n"


def _shop(folder: Path, log: str | bytes | None = None, source: str = "log.csv", text: str = CONFIG) -> Path:
    """Write a log, by default one that is fine, and a configuration that reads it; the configuration's path."""
    content = HEAD + rows() if log is None else log
    folder.mkdir(exist_ok=True)
    (folder / source).write_bytes(content if isinstance(content, bytes) else content.encode())
    path = folder / "shop.yaml"
    path.write_text(text.format(folder=folder, source=source), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def make_shop():
    """`make_shop(folder, log, source, text)` writes a log and a configuration; `make_shop.text` is the latter's."""
    _shop.text = CONFIG
    return _shop


@pytest.fixture(scope="session")
def make_rows():
    return rows
