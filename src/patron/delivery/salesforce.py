"""Salesforce: Bulk API 2.0 upsert jobs on an external id, followed to the result of every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

import pandas as pd

from patron._core.errors import DeliveryError
from patron.delivery.crm import between, misfits, refuse, word, written
from patron.delivery.organisation import GoneError, Organisation
from patron.delivery.patience import PassingError, Patience
from patron.delivery.target import Answer, Estimate, Field

LARGEST: Final = 100.0
"""Megabytes of CSV a job may have: Salesforce takes 150 once it has made base64 of them."""
_CLEAR: Final = "#N/A"
"""Empties a field; an empty cell would leave it as it is."""
_LOCKED: Final = "UNABLE_TO_LOCK_ROW"
_OVER: Final = {"JobComplete", "Failed", "Aborted"}
_BLOCK: Final = 10_000
"""Rows written at a time."""
_CELL: Final = 15
"""Bytes a cell is taken to have in estimates."""
_SPEED: Final = 1_000
"""Rows a second that Salesforce is taken to work on in estimates."""
_FITTING: Final = {
    "text": ("Text", {"textarea", "picklist", "email", "phone", "id"}),
    "day": ("Date", {"date"}),
    "stamp": ("Date/Time", {"datetime"}),
    "count": ("Number", {"double", "int"}),
    "number": ("Number", {"double"}),
    "money": ("Currency or Number", {"double", "currency"}),
}
"""No ``percent``: it would show a probability of 0.25 as 0.25 %."""


class _Job(TypedDict):
    id: str
    state: str
    why: str


class Salesforce:
    """Records of Salesforce, by default of Contact.

    The name that ``customer_id`` goes by there is the external id that records are found by. The environment says
    who logs in: access token and URL of the instance; or consumer key and secret of an app, with the organisation's
    own domain; or username, password and security token.

    Parameters
    ----------
    fields, place
        As every target's.
    object : str, default "Contact"
        The API name of the object.
    domain : str, default "login"
        Where is logged in: ``login``, ``test`` for a sandbox, or one's own, like ``acme.my``.
    megabytes : float, default 100
        Of CSV in a job, at most 100.
    timeout : float, default 120
        Seconds a request may last.
    wait_minutes : float, default 10
        How long a trouble is waited out: a busy server, a cut connection, locked rows.
    job_minutes : float, default 120
        How long a job is followed; after that it goes on alone, and the next push reads its results.
    access_token_env, instance_url_env, consumer_key_env, consumer_secret_env, username_env, password_env, \
security_token_env : str
        Environment variables, by default SALESFORCE_ACCESS_TOKEN and so on.

    Raises
    ------
    ConfigError
        A setting out of its range.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        place: Path,
        *,
        object: str = "Contact",  # noqa: A002  # Salesforce's own word
        domain: str = "login",
        megabytes: float = LARGEST,
        timeout: float = 120.0,
        wait_minutes: float = 10.0,
        job_minutes: float = 120.0,
        access_token_env: str = "SALESFORCE_ACCESS_TOKEN",  # noqa: S107  # names of variables
        instance_url_env: str = "SALESFORCE_INSTANCE_URL",
        consumer_key_env: str = "SALESFORCE_CONSUMER_KEY",
        consumer_secret_env: str = "SALESFORCE_CONSUMER_SECRET",  # noqa: S107
        username_env: str = "SALESFORCE_USERNAME",
        password_env: str = "SALESFORCE_PASSWORD",  # noqa: S107
        security_token_env: str = "SALESFORCE_SECURITY_TOKEN",  # noqa: S107
    ) -> None:
        del place
        self.fields = list(fields)
        self.object = word("object", object)
        self.bytes = int(1e6 * between("megabytes", megabytes, 0, LARGEST))
        self.job_seconds = 60 * between("job_minutes", job_minutes, 0, 7 * 24 * 60)
        self.patience = Patience(60 * between("wait_minutes", wait_minutes, 0, 24 * 60))
        variables = {
            "access_token": word("access_token_env", access_token_env),
            "instance_url": word("instance_url_env", instance_url_env),
            "consumer_key": word("consumer_key_env", consumer_key_env),
            "consumer_secret": word("consumer_secret_env", consumer_secret_env),
            "username": word("username_env", username_env),
            "password": word("password_env", password_env),
            "security_token": word("security_token_env", security_token_env),
        }
        timeout = between("timeout", timeout, 0, 3600)
        self._organisation = Organisation(variables, word("domain", domain), timeout, self.patience)

    def check(self) -> None:
        """Find out whether somebody can log in, and the object has every field, writable, of a fitting type.

        Raises
        ------
        DeliveryError
            No login or a refused one; or what is wrong with the fields, all of it, with the types to create.
        """
        described = self._organisation.ask("GET", f"sobjects/{self.object}/describe", None, _described)
        key = self._key
        there = {name: kind for name, (kind, writable, _) in described.items() if writable or name == key}
        problems = misfits(self.fields, there, _FITTING)
        if key in described and not described[key][2]:
            problems.append(f"{key} is no external id: tick External ID and Unique in its definition")
        refuse(problems, f"the object {self.object} of Salesforce")

    def estimate(self, rows: int) -> Estimate:
        """Say what sending so many rows takes, roughly: what else keeps the organisation busy is not known."""
        jobs = -(-rows * _CELL * len(self.fields) // self.bytes)
        return Estimate(10 * jobs, 10.0 * jobs + rows / _SPEED)

    def batches(self, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Cut rows into jobs of at most so many bytes of CSV."""
        head = len(self._head.encode())
        start, used = 0, head
        for place, line in enumerate(self._lines(rows)):
            size = len(line.encode())
            if used + size > self.bytes and place > start:
                yield rows.iloc[start:place]
                start, used = place, head
            used += size
        if start < len(rows):
            yield rows.iloc[start:]

    def send(self, batch: pd.DataFrame, note: Callable[[str], None]) -> Answer:
        """Upsert a batch by a job; rows that something else had locked go again, by a job of their own.

        A job's id is noted before it gets any data, and no two jobs ever work on the same row: another one is made
        only after the one before has been aborted or is over.

        Raises
        ------
        DeliveryError
            The login or the job is refused, a trouble does not pass, or the job is not done in time.
        """
        accepted: set[str] = set()
        refused: dict[str, str] = {}
        rows = batch

        def ask() -> bool | None:
            nonlocal rows
            answer = self._done(rows, note)
            accepted.update(answer.accepted)
            refused.update(answer.refused)
            rows = batch.loc[[customer for customer, why in answer.refused.items() if _LOCKED in why]]
            return rows.empty or None

        self.patience.until(ask, self.patience.limit)
        return Answer(frozenset(accepted), {each: why for each, why in refused.items() if each not in accepted})

    def settle(self, token: str) -> Answer | None:
        """Follow a job whose end was never seen; one that never got all its data is aborted, and its rows go again.

        Raises
        ------
        DeliveryError
            Salesforce cannot be reached, or the job is still not done.
        """
        try:
            job = self._job("GET", token)
        except GoneError:
            return None
        if job["state"] == "Open":
            self._move(token, "Aborted")
            return None
        job = self._over(token)
        answer = self._results(job)
        return None if job["state"] == "Aborted" and not answer.accepted else answer

    def _done(self, rows: pd.DataFrame, note: Callable[[str], None]) -> Answer:
        """Upsert rows by one job."""
        job = self._over(self._submitted(rows, note))
        answer = self._results(job)
        refused = {customer: why for customer, why in answer.refused.items() if customer in rows.index}
        if job["state"] != "JobComplete":
            rest = rows.index.difference([*answer.accepted, *refused])
            refused.update(dict.fromkeys(rest, job["why"]))
        return Answer(answer.accepted.intersection(rows.index), refused)

    def _submitted(self, rows: pd.DataFrame, note: Callable[[str], None]) -> str:
        """Make a job of rows and set it to work; its id.

        A job takes data once. If nobody knows whether it got them, it is aborted before another one is made.
        """
        wanted = {
            "object": self.object,
            "operation": "upsert",
            "externalIdFieldName": self._key,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        data = "".join([self._head, *self._lines(rows)]).encode()

        def attempt() -> str:
            job = self._job("POST", body=wanted)["id"]
            note(job)
            try:
                self._organisation.ask_once("PUT", f"jobs/ingest/{job}/batches", data, lambda _: None)
            except PassingError:
                self._move(job, "Aborted")
                raise
            return job

        job = self.patience.outlast(attempt, "Salesforce")
        self._move(job, "UploadComplete")
        return job

    def _move(self, job: str, state: str) -> None:
        """Bring an open job into a state; that it is there already is as good."""
        try:
            self._job("PATCH", job, {"state": state})
        except DeliveryError:
            now = self._job("GET", job)["state"]
            if now == "Open" or (state == "Aborted" and now != state):
                raise

    def _over(self, job: str) -> _Job:
        """Wait until a job is over."""

        def ask() -> _Job | None:
            now = self._job("GET", job)
            return now if now["state"] in _OVER else None

        over = self.patience.until(ask, self.job_seconds)
        if over is None:
            raise DeliveryError(
                f"job {job} of Salesforce is not done after {self.job_seconds / 60:,.0f} min",
                fix="push again later: the job goes on there, and the next push reads its results",
            )
        return over

    def _results(self, job: _Job) -> Answer:
        """Read what became of each row; what a job that failed left over is refused."""
        accepted = self._rows(job, "successfulResults")
        refused = self._rows(job, "failedResults")
        if job["state"] != "JobComplete":
            refused = {**dict.fromkeys(self._rows(job, "unprocessedrecords"), job["why"]), **refused}
        return Answer(frozenset(accepted.keys() - refused.keys()), refused)

    def _rows(self, job: _Job, which: str) -> dict[str, str]:
        """Read a result file: customers, and why their row failed."""

        def read(response: Any) -> dict[str, str]:
            rows = csv.DictReader(io.StringIO(response.content.decode(), newline=""))
            return {row[self._key]: row.get("sf__Error") or "" for row in rows}

        rows = self._organisation.ask("GET", f"jobs/ingest/{job['id']}/{which}", None, read)
        return {customer: self._organisation.hidden(why) for customer, why in rows.items()}

    def _job(self, method: str, job: str | None = None, body: dict[str, str] | None = None) -> _Job:
        return self._organisation.ask(method, f"jobs/ingest/{job}" if job else "jobs/ingest", body, self._read_job)

    def _read_job(self, response: Any) -> _Job:
        said = response.json()
        why = f"the job {said['id']} ended as {said['state']}: {said.get('errorMessage') or 'no reason given'}"
        return {"id": str(said["id"]), "state": str(said["state"]), "why": self._organisation.hidden(why)}

    @property
    def _key(self) -> str:
        return self.fields[0].name

    @property
    def _head(self) -> str:
        return _line(field.name for field in self.fields)

    def _lines(self, rows: pd.DataFrame) -> Iterator[str]:
        """Return rows as lines of CSV."""
        for start in range(0, len(rows), _BLOCK):
            block = rows.iloc[start : start + _BLOCK]
            columns = [_cells(block[field.name].tolist()) for field in self.fields]
            yield from map(_line, zip(*columns, strict=True))


def _cells(values: list[Any]) -> list[str]:
    """Write a column, each value once."""
    texts = {value: written(value) or _CLEAR for value in set(values)}
    return [texts[value] for value in values]


def _line(cells: Iterable[str]) -> str:
    return '"' + '","'.join(cell.replace('"', '""') for cell in cells) + '"\n'


def _described(response: Any) -> dict[str, tuple[str, bool, bool]]:
    """Read a description: of each field its type, whether it can be written, and whether records are found by it."""
    return {
        each["name"]: (
            each["type"],
            each["createable"] and each["updateable"],
            each["externalId"] or each.get("idLookup", False),
        )
        for each in response.json()["fields"]
    }
