"""What the page on scheduling shows can be taken as it stands: the DAG parses, the job is JSON, the codes are ours."""

import ast
import json
import re
from pathlib import Path

import pytest
import typer

from patron._core import errors
from patron.cli import INTERRUPTED, app
from patron.pipeline.holding import EXIT_CODES

PAGE = (Path(__file__).parents[2] / "docs" / "scheduling.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_dag_parses_and_names_its_tasks():
    tree = ast.parse(block("python"))
    tasks = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "task_id"]
    assert [task.value for task in tasks] == ["ledger", "retrain", "run", "deliver"]


def test_the_job_is_json_and_its_tasks_are_commands():
    job = json.loads(block("json"))
    commands = [task["python_wheel_task"]["parameters"][2] for task in job["tasks"]]
    assert commands == ["run", "deliver"]
    assert {task["task_key"] for task in job["tasks"]} >= {task["task_key"] for task in job["tasks"][1]["depends_on"]}


def test_every_command_shown_is_one():
    shown = set(re.findall(r"patron (?:--log json )?([a-z]+) (?:--|shop|CONFIG)", PAGE))
    assert {"run", "ledger"} <= shown <= set(typer.main.get_command(app).commands)


def test_every_exit_code_is_explained():
    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)}
    assert told == {0, INTERRUPTED, *codes, *EXIT_CODES.values()}


@pytest.mark.parametrize("line", [line for line in PAGE.splitlines() if line.startswith('{"time"')])
def test_the_log_lines_shown_are_json(line):
    assert {"time", "level", "event", "what"} <= set(json.loads(line))
