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
    for command in ("run", "audit", "train", "score", "report"):
        assert command in told


def test_an_audit_prints_its_findings_and_keeps_them(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(f'name: a\nworkspace: "{tmp_path}"\ndata: {{transactions: {{source: "dataset:cdnow-sample"}}}}\n')
    result = CliRunner().invoke(app, ["audit", str(path)])
    assert result.exit_code == 0, result.output
    assert "duplicate" in result.output
    assert (tmp_path / "out" / "a" / "audit.json").exists()


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
