"""Every error and warning that Patron raises by name; an error says what is wrong, where, and the fix."""

from __future__ import annotations

from typing import Any, ClassVar

from patron._core.passwords import without_passwords


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


class PatronError(Exception):
    """Any error that Patron raises on purpose; its text is written for the person who must act on it.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    column : str, optional
        The column it was found in.
    count : int, optional
        How many rows are concerned.
    example : object, optional
        One offending value.
    fix : str, optional
        What to do about it.

    Examples
    --------
    >>> print(DataError("not a number", column="amount", count=3, example="12,50", fix="use a decimal point"))
    column 'amount': not a number (3 rows, for example '12,50'). Fix: use a decimal point.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        column: str | None = None,
        count: int | None = None,
        example: Any = None,
        fix: str | None = None,
    ) -> None:
        self.message = message
        self.column = column
        self.count = count
        self.example = example
        self.fix = fix
        super().__init__(without_passwords(self._text()))

    def _text(self) -> str:
        where = f"column {self.column!r}: " if self.column is not None else ""
        facts = []
        if self.count is not None:
            facts.append(f"{self.count:,} {'row' if self.count == 1 else 'rows'}")
        if self.example is not None:
            example = repr(self.example)
            facts.append(f"for example {example if len(example) <= 120 else example[:117] + '...'}")
        found = f" ({', '.join(facts)})" if facts else ""
        text = _sentence(f"{where}{self.message}{found}")
        return f"{text} Fix: {_sentence(self.fix)}" if self.fix else text


class ConfigError(PatronError):
    """The configuration cannot be read or does not fit; the text names file and line."""

    exit_code = 2


class DataError(PatronError):
    """The data are refused; nothing was written."""

    exit_code = 3


class FitError(PatronError):
    """A model could not be fitted on these data."""

    exit_code = 4


class NotFittedError(FitError, ValueError, AttributeError):
    """A model was asked before it was fitted; scikit-learn's checks recognise it by its two other bases."""


class UnitError(DataError, ValueError):
    """A frame measured in one time unit met a model fitted in another."""


class UndefinedError(PatronError, ValueError):
    """The quantity does not exist for these parameters (an infinite residual, say); the text names the parameter."""


class MissingExtraError(PatronError, ImportError):
    """A package of an optional extra is not installed; the text says which extra to install."""


class TrackingError(PatronError):
    """An experiment or a model could not be written to MLflow."""

    exit_code = 4


class DeliveryError(PatronError):
    """A target could not be reached or refused; what was delivered until then stands and is journaled."""


class LockedError(PatronError):
    """Another process is working on the same name."""


class PatronWarning(UserWarning):
    """Any warning that Patron raises by name."""


class NotIdentifiedWarning(PatronWarning):
    """The fit ended at the edge of what the data can tell; the text says which parameter and why."""


class UnitAssumedWarning(PatronWarning):
    """A frame carried no time unit; the model took it as measured in its own."""


class DataWarning(PatronWarning):
    """The data were taken, but something in them deserves a look."""


class DependenceWarning(PatronWarning):
    """Spend and frequency are correlated, which Gamma-Gamma assumes they are not."""


class PooledGroupWarning(PatronWarning):
    """A group has no parameters of its own and goes by those of all customers."""
