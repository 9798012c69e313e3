"""The command line: parses, calls the pipeline, prints; it decides nothing."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from patron._core import progress
from patron._core.errors import PatronError, PatronWarning
from patron._core.logs import LogLines
from patron._core.warned import each_once

app = typer.Typer(
    name="patron",
    help="From a transaction log to what each customer is worth, who is about to leave, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C, as shells have it."""
out = Console()
err = Console(stderr=True)
_log: ContextVar[LogLines | None] = ContextVar("patron_log", default=None)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The run's YAML file, like configs/cdnow.yaml.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DAY", help="Score as of this day, YYYY-MM-DD, instead of the configuration's."),
]
Retrain = Annotated[bool, typer.Option("--retrain", help="Train even if a champion stands; it is kept unless beaten.")]


@app.callback()
def _options(
    log: Annotated[
        Literal["human", "json"],
        typer.Option("--log", help="How steps, results, warnings and errors are told: json is one object a line."),
    ] = "human",
) -> None:
    """From a transaction log to what each customer is worth, who is about to leave, and why."""
    _log.set(LogLines(sys.stderr.write) if log == "json" else None)


@app.command()
def run(config: ConfigPath, retrain: Retrain = False) -> None:
    """Do the main job, as often as you like: audit, ledger, train if need be, score, plan, report, delivery plan."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415  # --help must not load the models

        _say(pipeline.run(config, retrain=retrain))


@app.command()
def audit(config: ConfigPath) -> None:
    """Look at the transactions before anything is built on them: what is odd, how often, what is done about it."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say([str(pipeline.audit(config))])


@app.command()
def features(config: ConfigPath) -> None:
    """List the features that the recipes see: name, unit, family, source and meaning; then those that are absent."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

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
def kpis(config: ConfigPath) -> None:
    """Tell the key figures period by period: active customers, retention, sales, cohorts; write them as CSV."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        measured = pipeline.kpis(config)
    recent = measured.recent()
    grid = Table("", box=box.SIMPLE_HEAD, pad_edge=False)
    for period in recent.columns:
        grid.add_column(period, justify="right", no_wrap=True)
    for name, row in recent.iterrows():
        grid.add_row(str(name), *row)
    out.print(grid, highlight=False)
    _say(measured.words())


@app.command()
def train(config: ConfigPath) -> None:
    """Compare the recipes on past days, fit the champion on all that is known, write the bundle, log it to MLflow."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        pipeline.train(config)
        _say(pipeline.verdicts(config))


@app.command()
def score(config: ConfigPath, as_of: AsOf = None) -> None:
    """Score every customer with the champion and write the score table."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say(pipeline.score(config, as_of=as_of).words())


@app.command()
def plan(
    config: ConfigPath,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help="Plan from the scores of this day, not the latest.")
    ] = None,
) -> None:
    """Choose whom to contact under the budget, set a control group aside, say what a test of the effect takes."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say(pipeline.plan(config, as_of=as_of).words())


@app.command()
def evaluate(
    config: ConfigPath,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="DAY", help="The plan of this day, not the latest whose window has closed."),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", metavar="N", min=1, help="The window's length; the churn horizon if left out."),
    ] = None,
) -> None:
    """Tell what a past campaign brought: contacted against control, with intervals, against its cost."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say(pipeline.evaluate(config, plan=plan, days=days).words())


@app.command()
def ledger(config: ConfigPath) -> None:
    """Hold past scores against what happened since: keep the model, recalibrate it or train it anew, and why."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        held = pipeline.ledger(config)
        _say(held.words())
    raise typer.Exit(held.exit_code)


@app.command()
def forget(
    config: ConfigPath,
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The customer, as the score table has the id.")],
) -> None:
    """Remove a customer from all that Patron keeps of a run, keep it from coming back, and prove it."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say(pipeline.forget(config, customer_id).words())


@app.command()
def report(config: ConfigPath) -> None:
    """Write the page for the meeting from the latest scores."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say([f"report: {pipeline.report(config)}"])


@app.command()
def deliver(
    config: ConfigPath,
    push: Annotated[bool, typer.Option("--push", help="Send; without it the plan is shown and nothing moves.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Only rows that failed before.")] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Send even if more would move than the configuration's stop_above.")
    ] = False,
    rollback: Annotated[
        str | None,
        typer.Option("--rollback", metavar="AS_OF[/VERSION]", help="Bring back what a kept scoring says."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Only this target of the configuration.")
    ] = None,
) -> None:
    """Show what delivering the latest scores would do: who is new or changed, who moves band; with --push, do it."""
    with _shown():
        from patron import pipeline  # noqa: PLC0415

        _say(pipeline.deliver(config, push, retry, confirm, rollback, target).words())


def _say(lines: list[str]) -> None:
    log = _log.get()
    for line in lines:
        if log is not None:
            log.result(line)
            continue
        out.print(line, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def _shown() -> Iterator[None]:
    """Show progress while the block runs, each warning once in words, and an error as its message and exit code."""
    log = _log.get()
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=log is not None or not err.is_terminal,
    )
    tasks: dict[str, TaskID] = {}

    def hear(what: str, done: int, total: int | None) -> None:
        if log is not None:
            log.step(what, done, total)
            return
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)
        if total is not None and done >= total:
            bar.remove_task(tasks.pop(what))

    def warn(message: Warning | str, *_: object, **__: object) -> None:
        if log is not None:
            log.warning(message)
            return
        err.print(f"warning: {message}", style="yellow", highlight=False, markup=False, soft_wrap=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PatronWarning)
        warnings.showwarning = warn
        _load()
        try:
            with bar, progress.listen(hear), each_once():
                yield
        except PatronError as error:
            if log is not None:
                log.failure(error)
                raise typer.Exit(error.exit_code) from None
            err.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from None


def _load() -> None:
    """Load what does the work; a Ctrl-C waits until then, for extensions that are half loaded crash."""
    if threading.current_thread() is not threading.main_thread():
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        importlib.import_module("patron.pipeline")
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def main() -> None:
    """Run the command line; one that is interrupted ends at once, for threads still at work crash Python's own end."""
    try:
        app()
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
