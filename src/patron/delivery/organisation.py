"""A session with a Salesforce organisation: logging in, asking, and telling what passes from what does not."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from patron._core.errors import DeliveryError, MissingExtraError
from patron._core.passwords import secret, without_passwords
from patron.delivery.crm import safe
from patron.delivery.patience import PassingError, Patience, retry_after

_WAYS: Final = (
    ("access_token", "instance_url"),
    ("consumer_key", "consumer_secret"),
    ("username", "password", "security_token"),
)
"""What a login is made of; the first whose variables are all set is taken."""
_OPEN: Final = {"instance_url", "username"}
"""Of these, what is no secret."""
Read = TypeVar("Read")


class GoneError(DeliveryError):
    """What was asked for is not there."""


class Organisation:
    """Whoever the environment names, logged in when first asked, and again when the session has expired.

    Parameters
    ----------
    variables : mapping of str to str
        What a login is made of: the environment variable that holds it.
    domain : str
        Where is logged in: ``login``, ``test``, or one's own, like ``acme.my``.
    timeout : float
        Seconds a request may last.
    patience : Patience
    """

    def __init__(self, variables: Mapping[str, str], domain: str, timeout: float, patience: Patience) -> None:
        self.variables = variables
        self.domain = domain
        self.timeout = timeout
        self.patience = patience
        self._session: Any = None
        self._tokens: set[str] = set()

    def ask(self, method: str, path: str, body: Any, read: Callable[[Any], Read]) -> Read:
        """Ask, and wait out what passes.

        Parameters
        ----------
        method, path : str
            Of the request; the path below ``/services/data/vXX.X/``.
        body : bytes, dict or None
            CSV, or what is sent as JSON.
        read : callable
            Makes of the response what is returned; a ValueError, LookupError or TypeError says it cannot be read.

        Raises
        ------
        GoneError
            A 404.
        DeliveryError
            A refusal, or a trouble that does not pass.
        """
        return self.patience.outlast(lambda: self.ask_once(method, path, body, read), "Salesforce")

    def ask_once(self, method: str, path: str, body: Any, read: Callable[[Any], Read]) -> Read:
        """Ask one time, twice where the session has expired; a PassingError where asking again may help."""
        login = self._login()
        response = self._asked(method, path, body, login)
        if response.status_code == 401 and "access_token" not in login:
            self._session = None
            response = self._asked(method, path, body, login)
        if response.status_code >= 300:
            raise self._trouble(response)
        with contextlib.suppress(ValueError, LookupError, TypeError):
            return read(response)
        raise PassingError("the answer cannot be read")

    def hidden(self, text: str) -> str:
        """Return a text without any secret, tokens that a login brought included."""
        for token in self._tokens:
            text = text.replace(token, "***")
        return without_passwords(text)

    def _login(self) -> dict[str, str]:
        """Return what to log in with."""
        held = {
            what: (os.environ.get(variable, "").strip() if what in _OPEN else secret(variable))
            for what, variable in self.variables.items()
        }
        for way in _WAYS:
            if all(held[what] for what in way):
                return {what: str(held[what]) for what in way}
        ways = "; or ".join(", ".join(self.variables[what] for what in way) for way in _WAYS)
        raise DeliveryError("no login to Salesforce in the environment", fix=f"set {ways}")

    def _asked(self, method: str, path: str, body: Any, login: Mapping[str, str]) -> Any:
        session = self._session = self._session or self._logged_in(login)
        raw = body is None or isinstance(body, bytes)
        kind = "text/csv; charset=UTF-8" if isinstance(body, bytes) else "application/json"
        scheme = urlsplit(login.get("instance_url", "https:")).scheme
        url = f"{scheme}://{session.sf_instance}/services/data/v{session.sf_version}/{path}"
        with _connected():
            return session.session.request(
                method, url, data=body if raw else json.dumps(body), headers={**session.headers, "Content-Type": kind}
            )

    def _logged_in(self, login: Mapping[str, str]) -> Any:
        try:
            import requests  # noqa: PLC0415
            from simple_salesforce.api import Salesforce as Client  # noqa: PLC0415
            from simple_salesforce.exceptions import SalesforceAuthenticationFailed  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(
                "Salesforce needs simple-salesforce", fix="pip install 'patron[salesforce]'"
            ) from error
        session = requests.Session()
        session.request = partial(session.request, timeout=self.timeout)  # type: ignore[method-assign]
        with_what: dict[str, Any] = dict(login)
        if "instance_url" in login:
            if not safe(login["instance_url"]):
                raise DeliveryError(
                    f"{self.variables['instance_url']} holds no address that begins with https://",
                    fix="write it like https://acme.my.salesforce.com",
                )
            with_what["session_id"] = with_what.pop("access_token")
        failed: Exception
        with _connected(), warnings.catch_warnings(action="ignore"):  # the library's warning holds the consumer key
            try:
                org = Client(**with_what, domain=self.domain, session=session)
            except SalesforceAuthenticationFailed as error:
                passes = error.code in {200, "SERVER_UNAVAILABLE"} or str(error.code).startswith("5")
                why = without_passwords(f"the login failed: {error.code} {error.auth_message}")[:300]
                failed = PassingError(why) if passes else self._refused(why)
            except (AttributeError, TypeError, ValueError, ExpatError):
                failed = PassingError("the answer to the login cannot be read")
            else:
                self._tokens.add(org.session_id)
                return org
        raise failed

    def _refused(self, why: str) -> DeliveryError:
        return DeliveryError(
            f"Salesforce lets nobody in: {why}",
            fix=f"check {', '.join(self.variables[what] for what in self._login())}",
        )

    def _trouble(self, response: Any) -> Exception:
        """Return what a refusal means: it passes, or it ends the push."""
        status, why = response.status_code, self.hidden(f"{response.status_code} {_words(response)}")[:300]
        if status == 401:
            return self._refused(why)
        if status in {408, 429} or status >= 500:
            return PassingError(why, retry_after(response.headers.get("Retry-After")))
        if "REQUEST_LIMIT_EXCEEDED" in why:
            return DeliveryError(
                "Salesforce's limit of requests in 24 hours is reached",
                fix="push again later: what was delivered stands",
            )
        return (GoneError if status == 404 else DeliveryError)(f"Salesforce refuses: {why}")


@contextlib.contextmanager
def _connected() -> Iterator[None]:
    """Tell of a connection that fails as of something that passes, without what the vendor's error carries."""
    import requests  # noqa: PLC0415

    try:
        yield
    except requests.RequestException as error:
        failed = type(error).__name__
    else:
        return
    raise PassingError(f"the connection failed ({failed})")


def _words(response: Any) -> str:
    """Return what a refusal says: a list of errors with code and message, or anything else."""
    try:
        return "; ".join(f"{error['errorCode']}: {error['message']}" for error in response.json())
    except (ValueError, LookupError, TypeError):
        return response.reason or "no reason given"
