"""The command line prints what the pipeline did and ends with its exit code."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from patron.cli import app


def test_help_names_every_command_and_costs_no_model():
    heavy = ["sklearn", "lightgbm", "mlflow", "ibis"]
    script = f"import sys; from patron.cli import app; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    told = CliRunner().invoke(app, ["--help"]).output
    for command in ("run", "audit", "features", "train", "score", "report"):
        assert command in told


def test_an_audit_prints_its_findings_and_keeps_them(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(f'name: a\nworkspace: "{tmp_path}"\ndata: {{transactions: {{source: "dataset:cdnow-sample"}}}}\n')
    result = CliRunner().invoke(app, ["audit", str(path)])
    assert result.exit_code == 0, result.output
    assert "duplicate" in result.output
    assert (tmp_path / "out" / "a" / "audit.json").exists()


@pytest.mark.parametrize(
    ("asked", "count", "absent"),
    [("all", 62, "no column order_id: first_lines"), ("[gap_cv]", 27, "features is ['gap_cv']: spend_14")],
)
def test_features_are_listed_and_the_absent_with_the_reason(tmp_path, asked, count, absent):
    path = tmp_path / "run.yaml"
    data = 'data: {transactions: {source: "dataset:cdnow-sample"}}'
    path.write_text(f'name: a\nworkspace: "{tmp_path}"\n{data}\nfeatures: {asked}\n')
    result = CliRunner().invoke(app, ["features", str(path)])
    assert result.exit_code == 0, result.output
    assert f"{count} features of 89\n" in result.output
    assert f"absent, {absent}" in result.output
    assert result.output.index("gap_cv") < result.output.index("features of")


def test_a_feature_that_no_table_tells_is_refused(tmp_path):
    path = tmp_path / "run.yaml"
    data = 'data: {transactions: {source: "dataset:cdnow-sample"}}'
    path.write_text(f'name: a\nworkspace: "{tmp_path}"\n{data}\nfeatures: [products_90]\n')
    result = CliRunner().invoke(app, ["features", str(path)])
    assert result.exit_code == 3
    assert "this log cannot tell: it has no product_id" in result.stderr


@pytest.mark.parametrize("command", ["score", "report"])
def test_what_needs_a_champion_says_so(tmp_path, command):
    path = tmp_path / "run.yaml"
    path.write_text(f'name: a\nworkspace: "{tmp_path}"\ndata: {{transactions: {{source: "dataset:cdnow-sample"}}}}\n')
    result = CliRunner().invoke(app, [command, str(path)])
    assert result.exit_code == 3
    assert "Fix:" in result.stderr


def test_a_configuration_that_is_not_there_is_exit_code_2(tmp_path):
    result = CliRunner().invoke(app, ["run", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "No such file" in result.stderr
