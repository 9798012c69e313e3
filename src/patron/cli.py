"""The command line: parses, calls the pipeline, prints; it decides nothing."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from patron._core import progress
from patron._core.errors import PatronError, PatronWarning

app = typer.Typer(
    name="patron",
    help="From a transaction log to what each customer is worth, who is about to leave, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The run's YAML file, like configs/cdnow.yaml.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DAY", help="Score as of this day, YYYY-MM-DD, instead of the configuration's."),
]
Retrain = Annotated[bool, typer.Option("--retrain", help="Train even if a champion stands; it is kept unless beaten.")]


@app.command()
def run(config: ConfigPath, retrain: Retrain = False) -> None:
    """Do the main job, as often as you like: audit, train if there is no champion, score, report."""
    from patron import pipeline  # noqa: PLC0415  # --help must not load the models

    with _shown():
        _say(pipeline.run(config, retrain=retrain))


@app.command()
def audit(config: ConfigPath) -> None:
    """Look at the transactions before anything is built on them: what is odd, how often, what is done about it."""
    from patron import pipeline  # noqa: PLC0415

    with _shown():
        _say([str(pipeline.audit(config))])


@app.command()
def features(config: ConfigPath) -> None:
    """List the features that the recipes see: name, unit, family, source and meaning; then those that are absent."""
    from patron import pipeline  # noqa: PLC0415

    with _shown():
        listed = pipeline.features(config)
    told = listed[listed["absent"] == ""]
    grid = Table("feature", "unit, family\nsource, needs", "what it says", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, row in told.iterrows():
        kind = f"{row['unit']}, {row['family']}\n{', '.join(filter(None, (row['source'], row['needs'])))}"
        grid.add_row(*map(escape, (str(name), kind, row["description"])))
    out.print(grid, highlight=False)
    _say([f"{len(told)} features of {len(listed)}"])
    for why, some in listed[listed["absent"] != ""].groupby("absent", sort=False):
        _say([f"absent, {why}: {', '.join(some.index)}"])


@app.command()
def train(config: ConfigPath) -> None:
    """Compare the recipes on past days, fit the champion on all that is known, write the bundle, log it to MLflow."""
    from patron import pipeline  # noqa: PLC0415

    with _shown():
        pipeline.train(config)
        _say(pipeline.verdicts(config))


@app.command()
def score(config: ConfigPath, as_of: AsOf = None) -> None:
    """Score every customer with the champion and write the score table."""
    from patron import pipeline  # noqa: PLC0415

    with _shown():
        _say(pipeline.score(config, as_of=as_of).words())


@app.command()
def report(config: ConfigPath) -> None:
    """Write the page for the meeting from the latest scores."""
    from patron import pipeline  # noqa: PLC0415

    with _shown():
        _say([f"report: {pipeline.report(config)}"])


def _say(lines: list[str]) -> None:
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def _shown() -> Iterator[None]:
    """Show progress while the block runs, each warning once in words, and an error as its message and exit code."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    tasks: dict[str, TaskID] = {}

    def hear(what: str, done: int, total: int | None) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)
        if total is not None and done >= total:
            bar.remove_task(tasks.pop(what))

    warned: set[str] = set()

    def warn(message: Warning | str, *_: object, **__: object) -> None:
        if str(message) in warned:
            return
        warned.add(str(message))
        err.print(f"warning: {message}", style="yellow", highlight=False, markup=False, soft_wrap=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PatronWarning)
        warnings.showwarning = warn
        try:
            with bar, progress.listen(hear):
                yield
        except PatronError as error:
            err.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Run the command line."""
    sys.exit(app())
