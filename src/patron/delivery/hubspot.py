"""HubSpot: batch upsert by a unique property, a hundred records a request, every answer read row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd

from patron._core.errors import ConfigError, DeliveryError, MissingExtraError
from patron._core.passwords import without_passwords
from patron.delivery.crm import between, misfits, needed, refuse, safe, word, written
from patron.delivery.patience import Pace, PassingError, Patience, retry_after
from patron.delivery.target import Answer, Estimate, Field

BATCH: Final = 100
"""Records a request may hold."""
_LATENCY: Final = 0.5
"""Seconds that a request of a hundred records is taken to last."""
_FITTING: Final = {
    "text": ("Single-line text", {"enumeration", "phone_number"}),
    "day": ("Date picker", {"date"}),
    "stamp": ("Date and time picker", {"datetime"}),
    "count": ("Number", {"number"}),
    "number": ("Number", {"number"}),
    "money": ("Number", {"number"}),
}
_BUSY: Final = {408, 409, 423, 425, 429}
_CONFLICTS: Final = 3
"""So often a batch may meet a 409 before its rows are taken one by one: one of them may conflict for good."""


class _RefusedError(Exception):
    """HubSpot takes none of these records because of some of them; the text is why."""


class HubSpot:
    """Records of HubSpot, by default contacts.

    The name that ``customer_id`` goes by there is the unique property records are found by (``idProperty``).

    Parameters
    ----------
    fields, place
        As every target's.
    object : str, default "contacts"
        The object type: ``contacts``, ``companies``, or a custom object's.
    token_env : str, default "HUBSPOT_ACCESS_TOKEN"
        The environment variable that holds the access token of a private app.
    requests_per_second : float, default 9
        HubSpot lets a private app send 100 requests in ten seconds, 190 in the larger subscriptions.
    timeout : float, default 30
        Seconds a request may last.
    wait_minutes : float, default 10
        How long a trouble is waited out: limits of seconds, a busy server, a cut connection.
    url : str, default "https://api.hubapi.com"
        Where the API is.

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
        object: str = "contacts",  # noqa: A002  # HubSpot's own word
        token_env: str = "HUBSPOT_ACCESS_TOKEN",  # noqa: S107  # the name of a variable
        requests_per_second: float = 9.0,
        timeout: float = 30.0,
        wait_minutes: float = 10.0,
        url: str = "https://api.hubapi.com",
    ) -> None:
        del place
        self.fields = list(fields)
        self.object = word("object", object)
        self.token_env = word("token_env", token_env)
        self.requests_per_second = between("requests_per_second", requests_per_second, 0, 100)
        self.timeout = between("timeout", timeout, 0, 3600)
        self.patience = Patience(60 * between("wait_minutes", wait_minutes, 0, 24 * 60))
        self.url = word("url", url).rstrip("/")
        if not safe(self.url):
            raise ConfigError("not an address that begins with https://", column="url", example=url)

    def check(self) -> None:
        """Find out whether the token is valid and every property is there, of a fitting type and writable.

        Raises
        ------
        DeliveryError
            No token or a refused one; or what is wrong with the properties, all of it, with the types to create.
        """
        properties = self._call(lambda: self._properties.get_all(self.object, **self._how)).get("results", [])
        there = {
            each["name"]: each["type"]
            for each in properties
            if not each.get("calculated") and not each.get("modificationMetadata", {}).get("readOnlyValue")
        }
        problems = misfits(self.fields, there, _FITTING)
        unique = {each["name"] for each in properties if each.get("hasUniqueValue")}
        key = self._key
        if key in there and key not in unique and (self.object, key) != ("contacts", "email"):
            problems.append(
                f"{key} is not unique, so no record can be found by it: create a property "
                "with `Require unique values for this property` (it cannot be set afterwards)"
            )
        refuse(problems, f"the object {self.object} of HubSpot")

    def estimate(self, rows: int) -> Estimate:
        """Say what sending so many rows takes: a request a hundred, at the pace that is set."""
        requests = -(-rows // BATCH)
        return Estimate(requests, requests * max(_LATENCY, 1 / self.requests_per_second))

    def batches(self, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
        """Cut rows by the hundred."""
        for start in range(0, len(rows), BATCH):
            yield rows.iloc[start : start + BATCH]

    def send(self, batch: pd.DataFrame, note: Callable[[str], None]) -> Answer:
        """Upsert a batch; accepted is what HubSpot names as written, refused what it names with an error.

        Where HubSpot refuses a whole batch, its halves are sent, and theirs, until the rows at fault are known.

        Raises
        ------
        DeliveryError
            The token is refused, the daily limit is reached, a property does not exist, or a trouble does not pass.
        """
        del note  # what was never answered is sent again
        names = [field.name for field in self.fields]
        return self._upsert(
            [
                {
                    "id": customer,
                    "idProperty": self._key,
                    "objectWriteTraceId": customer,
                    "properties": dict(zip(names, map(written, values), strict=True)),
                }
                for customer, *values in batch[names].itertuples()
            ]
        )

    def settle(self, token: str) -> None:
        """Tell nothing: an upsert whose answer was never seen is sent again."""

    @property
    def _key(self) -> str:
        return self.fields[0].name

    def _upsert(self, inputs: list[dict[str, Any]]) -> Answer:
        try:
            said = self._call(lambda: self._records.upsert(self.object, {"inputs": inputs}, **self._how))
        except _RefusedError as refusal:
            return self._halved(inputs, str(refusal))
        ids = {each["id"] for each in inputs}
        accepted = ids & {self._named(each) for each in said.get("results") or ()}
        refused, unnamed = {}, []
        for error in said.get("errors") or ():
            why, concerned = _words(error), ids & _concerned(error)
            refused.update(dict.fromkeys(concerned, why))
            if not concerned:
                unnamed.append(why)
        rest = [each for each in inputs if each["id"] not in accepted and each["id"] not in refused]
        answer = Answer(frozenset(accepted - refused.keys()), refused)
        return _both(answer, self._halved(rest, unnamed[0])) if rest and unnamed else answer

    def _halved(self, inputs: list[dict[str, Any]], why: str) -> Answer:
        """Find out which of these records are refused by sending less of them at a time."""
        if len(inputs) == 1:
            return Answer(refused={inputs[0]["id"]: why})
        half = len(inputs) // 2
        return _both(self._upsert(inputs[:half]), self._upsert(inputs[half:]))

    def _named(self, result: Mapping[str, Any]) -> Any:
        return result.get("objectWriteTraceId") or (result.get("properties") or {}).get(self._key)

    def _call(self, ask: Callable[[], Any]) -> dict[str, Any]:
        """Ask, and wait out what passes; a dict that HubSpot answered."""
        import urllib3  # noqa: PLC0415

        conflicts = 0

        def attempt() -> dict[str, Any]:
            nonlocal conflicts
            self._pace.turn()
            try:
                said = json.loads(ask().data)
            except self._errors as error:
                conflicts += error.status == 409
                trouble = _trouble(error, self.token_env, last=conflicts == _CONFLICTS)
            except urllib3.exceptions.HTTPError as error:
                trouble = PassingError(f"the connection failed ({type(error).__name__})")
            except ValueError:
                trouble = PassingError("the answer cannot be read")
            else:
                if isinstance(said, dict):
                    return said
                trouble = PassingError("the answer cannot be read")
            raise trouble  # outside of `except`: the vendor's errors carry headers

        return self.patience.outlast(attempt, "HubSpot")

    @property
    def _how(self) -> dict[str, Any]:
        return {"_preload_content": False, "_request_timeout": self.timeout}

    @cached_property
    def _pace(self) -> Pace:
        return Pace(self.requests_per_second, self.patience)

    @cached_property
    def _client(self) -> Any:
        try:
            from hubspot import HubSpot as Client  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("HubSpot needs hubspot-api-client", fix="pip install 'patron[hubspot]'") from error
        token = needed(self.token_env, "the access token of a private app")
        return Client(access_token=token, retry=False, host=self.url)

    @cached_property
    def _records(self) -> Any:
        return self._client.crm.objects.batch_api

    @cached_property
    def _properties(self) -> Any:
        return self._client.crm.properties.core_api

    @cached_property
    def _errors(self) -> tuple[type[Any], ...]:
        from hubspot.crm import objects, properties  # noqa: PLC0415

        return objects.ApiException, properties.ApiException


def _both(one: Answer, other: Answer) -> Answer:
    return Answer(one.accepted | other.accepted, {**one.refused, **other.refused})


def _concerned(error: Mapping[str, Any]) -> set[str]:
    """Return which inputs an error of a 207 names: by trace ids, where it has them, else by ids."""
    context = error.get("context") or {}
    return set(context.get("objectWriteTraceId") or context.get("ids") or ())


def _words(said: Mapping[str, Any], otherwise: str = "no reason given") -> str:
    return without_passwords(" ".join(str(said[key]) for key in ("category", "message") if said.get(key)) or otherwise)


def _trouble(error: Any, variable: str, *, last: bool) -> Exception:
    """Return what an error of the vendor's means: it passes, it is a batch's, or it ends the push."""
    try:
        said = json.loads(error.body or "")
    except ValueError:
        said = {}
    said, headers = said if isinstance(said, dict) else {}, error.headers or {}
    why = f"{error.status} {_words(said, str(error.reason))}"
    if error.status == 429 and "DAILY" in str(said.get("policyName", "")).upper():
        return DeliveryError(
            "HubSpot's daily limit of requests is reached",
            fix="push again after midnight (in the account's time zone): what was delivered stands",
        )
    if error.status in {400, 413} or last:
        if "PROPERTY_DOESNT_EXIST" in why:
            return DeliveryError(f"HubSpot knows no such property: {why}", fix="create it, or leave it out of `fields`")
        return _RefusedError(why)
    if error.status in _BUSY or error.status >= 500:
        return PassingError(why, retry_after(headers.get("Retry-After")))
    fixes = {
        401: f"set {variable} to the access token of a private app",
        403: "give the private app the scopes to write these objects and to read their schemas",
    }
    return DeliveryError(f"HubSpot refuses: {why}", fix=fixes.get(error.status))
