"""Scores where the features are: a frame of Spark goes through the scorer batch by batch, as Arrow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from patron.scoring.scorer import Scorer
from patron.scoring.table import COLUMNS, DECIDED, REASONS, arrow_table

_TYPES: Final = {
    "text": "string",
    "day": "date",
    "stamp": "timestamp",
    "count": "int",
    "number": "double",
    "money": "double",
}


def score_spark(
    scorer: Scorer,
    X: Any,
    *,
    model_version: str | None = None,
    run_id: str | None = None,
    scored_at: dt.datetime | None = None,
) -> Any:
    """Score every row of a frame of PySpark, on Spark's workers.

    Each row scores, bit for bit, as `Scorer.score` scores it; the bundle travels with the call, and the workers need
    Patron installed. No row gets reasons: they go to the customers of a whole base with the most to lose, and no worker
    sees the whole base. That a customer comes twice on one day is seen within a batch only.

    Parameters
    ----------
    scorer : Scorer
        Of the bundle to score with.
    X : pyspark.sql.DataFrame
        customer_id (text), as_of (a date, or what Spark casts to one) and the bundle's features as columns, measured
        as at training: no attrs tell Patron of another unit here.
    model_version, run_id, scored_at
        As in `Scorer.score`.

    Returns
    -------
    pyspark.sql.DataFrame
        The score table without its reasons, computed when it is used.

    Raises
    ------
    DataError
        A missing feature or a label among the columns, at once; rows that cannot be scored, when they are computed,
        inside Spark's own error.

    Examples
    --------
    >>> scorer = Scorer.load("models/cdnow")  # doctest: +SKIP
    >>> score_spark(scorer, spark.table("features")).write.saveAsTable("scores")  # doctest: +SKIP
    """
    absent = REASONS if scorer.bundle.segments else (*REASONS, *DECIDED)
    columns = [column for column in COLUMNS if column.name not in absent]
    moment = scored_at or dt.datetime.now(dt.UTC)

    def scored(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            if batch.num_rows:
                table = scorer.score(
                    batch.to_pandas(),
                    reasons_rows=0,
                    model_version=model_version,
                    run_id=run_id,
                    scored_at=moment,
                )
                yield from arrow_table(table, columns).to_batches()

    rows = X.select(scorer.columns(X.columns)).withColumn("as_of", X["as_of"].cast("date"))
    return rows.mapInArrow(scored, ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in columns))
