"""How predictions are held against what happened."""

from __future__ import annotations

from pydantic import Field

from patron.config.types import Section


class LedgerSection(Section):
    """When a model is kept, recalibrated or trained anew; each bound counts only where noise does not explain it."""

    treated: str | None = Field(
        default=None,
        description="The kind of event that says a customer was contacted; planned contacts count in any case.",
    )
    bias: float = Field(default=0.10, gt=0, description="|predicted / actual - 1| beyond this asks for recalibration.")
    calibration: float = Field(
        default=0.03,
        gt=0,
        description="Churn probabilities this far off on average (ECE above a calibrated model's) ask for it too.",
    )
    auc: float = Field(default=0.03, gt=0, description="An AUC this far below the backtest's asks for training anew.")
    drift: float = Field(
        default=0.10, gt=0, description="A feature drifts if its stability index exceeds its noise floor by this."
    )
