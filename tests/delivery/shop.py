"""A shop whose scores are written rather than fitted, and a CRM in a file that fails as it is told to."""

import contextlib
import json
import uuid
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from patron import pipeline
from patron._core.files import read_json, write_json
from patron.config import load_config
from patron.delivery import registry
from patron.delivery.state import State
from patron.delivery.target import Answer, Estimate
from patron.scoring.table import row_hashes, write_scores

FIELDS = "{customer_id: Id, churn_probability: Churn, churn_band: Band, p_alive: Alive, clv: CLV, as_of: Day}"
CONFIG = """\
name: shop
workspace: "{folder}"
data:
  transactions: {{source: log.csv}}
deliver:
  - name: crm
    target: crm
    fields: {fields}
    settings: {{file: "{folder}/crm.json"}}
"""


def scores(n=6, day="2024-06-30", shift=0.0, version=1):
    """A score table of `n` customers c0 to cN; `shift` moves everybody's churn probability and value."""
    at = np.arange(n)
    churn = np.clip((at + 1) / (n + 1) + shift, 0, 1)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in at],
            "as_of": pd.Timestamp(day),
            "churn_horizon_days": np.int32(91),
            "churn_probability": churn,
            "churn_band": np.select([churn >= 0.6, churn >= 0.3], ["high", "medium"], "low"),
            "p_alive": np.where(at % 3 == 0, np.nan, 1 - churn),
            "clv": 100.0 * (at + 1) + shift,
            "clv_basis": "12 months; margin 1.0; 10 %/yr",
            "model_version": f"shop/{version}",
            "run_id": f"run {day}",
            "scored_at": pd.Timestamp(f"{day} 12:00", tz="UTC"),
        }
    )
    table["row_hash"] = row_hashes(table, "EUR")
    return table


def keep(out, table, version=1, formats=("parquet",)):
    """Write a score table as `patron score` does."""
    folder = write_scores(table, out / "scores", name="shop", version=version, currency="EUR", formats=formats)
    content = read_json(folder / "manifest.json")["content"]
    day = str(table["as_of"].iloc[0].date())
    told = {"as_of": day, "version": version, "folder": str(folder.relative_to(out)), "content": content}
    write_json(out / "latest.json", told)
    return folder


class Crm:
    """A CRM in a file: the rows it holds and the jobs it took; `faults` are called at 'batches', 'send', 'sent' and
    'settle' with what is at hand, and may raise, or return another answer.
    """

    faults: ClassVar = {}
    size = 2
    settles = True

    def __init__(self, fields, place, *, file):
        self.fields, self.place, self.file = fields, place, Path(file)

    def check(self):
        self._fault("check")

    def estimate(self, rows):
        return Estimate(-(-rows // self.size), 1.5 * rows)

    def batches(self, rows):
        cut = [rows.iloc[start : start + self.size] for start in range(0, len(rows), self.size)]
        yield from self._fault("batches", cut) or cut

    def send(self, batch, note):
        token = uuid.uuid4().hex
        note(token)
        self._fault("send", batch)
        told = self.told
        for row in batch.astype(object).where(batch.notna(), None).itertuples(index=False):
            told["rows"][row[0]] = [str(value) for value in row]
        told["jobs"][token] = list(batch.index)
        self.file.write_text(json.dumps(told))
        return self._fault("sent", batch) or Answer(frozenset(batch.index))

    def settle(self, token):
        answer = self._fault("settle", token)
        if answer is not None or not self.settles:
            return answer
        return Answer(frozenset(self.told["jobs"].get(token, [])))

    @property
    def told(self):
        return json.loads(self.file.read_text()) if self.file.exists() else {"rows": {}, "jobs": {}}

    def _fault(self, moment, *at_hand):
        return self.faults[moment](*at_hand) if moment in self.faults else None


class Shop:
    """A workspace with scores and a CRM."""

    def __init__(self, folder, text=CONFIG):
        self.folder, self.out, self.path = folder, folder / "out" / "shop", folder / "shop.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(text.format(folder=folder, fields=FIELDS))
        self.config = load_config(self.path)
        self.crm = Crm((), folder, file=folder / "crm.json")
        self.failed = self.out / "deliveries" / "crm" / "failed.csv"

    def keep(self, *args, **options):
        return keep(self.out, scores(*args, **options), version=options.get("version", 1))

    def deliver(self, **options):
        return pipeline.deliver(self.config, **options)

    def push(self, **options):
        return self.deliver(push=True, **options)

    @contextlib.contextmanager
    def state(self):
        with State(self.out / "state.sqlite") as state:
            yield state

    @property
    def rows(self):
        """What the CRM holds, the day left out: it moves with what changed."""
        return {customer: [row[0], *row[2:]] for customer, row in self.crm.told["rows"].items()}

    @property
    def sent(self):
        """How many rows the CRM was ever sent."""
        return sum(map(len, self.crm.told["jobs"].values()))

    @property
    def ended(self):
        """All that a push leaves behind, and that another would have nothing to do."""
        with self.state() as state:
            known, failed, waiting = state.known("crm"), state.failed("crm"), state.open("crm")
            told = known.sort_index()[["said", "numbers", "band"]].to_dict("index")
            return self.rows, told, failed, waiting, self.failed.exists()


def load(kind, where, theirs=registry._load):
    return Crm if kind == "crm" else theirs(kind, where)


def hasty(self, path, *, write=True, theirs=State.__init__):
    """Open a state that does not wait for the disk: a kill loses nothing by that, and tests gain time."""
    theirs(self, path, write=write)
    self._disk.execute("PRAGMA synchronous = OFF")
