"""A bundle as an MLflow model: a script, this package, the bundle; nothing is pickled, no customer is in it."""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd

import patron
from patron.scoring.bundle import Bundle
from patron.scoring.scorer import Scorer

REQUIREMENTS: Final = ("numpy", "scipy", "pandas", "scikit-learn", "lightgbm")
"""What scoring imports; MLflow adds itself."""
PACKAGE: Final = Path(patron.__file__).parent


def save_model(bundle: Path, folder: Path, record: Any = None) -> None:
    """Write a bundle as a pyfunc model from code.

    Parameters
    ----------
    bundle : Path
        A bundle's folder; ``folder/artifacts/bundle`` is the same byte for byte.
    folder : Path
        Must not exist.
    record : mlflow.models.Model, optional
        The model's entry where it is already known to a tracking store.
    """
    import mlflow.pyfunc  # noqa: PLC0415  # 0.8 s that only training pays
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types import DataType, ParamSchema, ParamSpec  # noqa: PLC0415

    scorer = Scorer.load(bundle)
    example = invented_rows(scorer.bundle)
    signature = ModelSignature(
        inputs=_schema(example),
        outputs=_schema(scorer.score(example, reasons_rows=0)),
        params=ParamSchema([ParamSpec("reasons_rows", DataType.long, 0)]),
    )
    with tempfile.TemporaryDirectory() as temporary:
        named = Path(temporary) / "bundle"  # the artifact takes its folder's name
        shutil.copytree(bundle, named)
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(PACKAGE / "scoring" / "pyfunc.py"),
            artifacts={"bundle": str(named)},
            code_paths=[str(PACKAGE)],
            pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS],
            signature=signature,
            input_example=example,
            mlflow_model=record,
        )
    for compiled in list(
        folder.rglob("__pycache__")
    ):  # MLflow tries the script out; where it was compiled tells a path
        shutil.rmtree(compiled)


def invented_rows(bundle: Bundle) -> pd.DataFrame:
    """Two rows as the served model takes them, of customers that never were: every feature is 1, then 0."""
    rows = {column.name: pd.Series([1, 0], dtype=column.dtype) for column in bundle.inputs}
    day = pd.Series(["2000-01-01"] * 2, dtype="datetime64[us]")
    return pd.DataFrame({"customer_id": ["invented-1", "invented-2"], "as_of": day, **rows})


def _schema(frame: pd.DataFrame) -> Any:
    from mlflow.types import ColSpec, DataType, Schema  # noqa: PLC0415

    kinds = {"f": DataType.double, "i": DataType.long, "M": DataType.datetime}
    return Schema([ColSpec(kinds.get(kind.kind, DataType.string), name) for name, kind in frame.dtypes.items()])
