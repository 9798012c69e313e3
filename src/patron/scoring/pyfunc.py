"""The script that MLflow stores and runs to serve a bundle: features in, the score table out."""

from __future__ import annotations

from typing import Any

import mlflow
import pandas as pd

from patron.scoring.scorer import Scorer


class ScoreModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is untyped here
    """Patron's scorer as an MLflow model."""

    def load_context(self, context: Any) -> None:
        """Read the bundle among the artifacts."""
        self.scorer = Scorer.load(context.artifacts["bundle"])

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Score a frame with customer_id, as_of and the features as columns; `reasons_rows` rows get reasons."""
        del context
        return self.scorer.score(model_input, **(params or {}))


mlflow.models.set_model(ScoreModel())
