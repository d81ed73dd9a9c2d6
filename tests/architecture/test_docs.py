"""What the documents say holds: links lead somewhere, code runs, every option of the command is explained."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pneumoscope.cli.main import COMMANDS
from pneumoscope.cli.main import command as program
from pneumoscope.radiograph.radiograph import WarningCode
from pneumoscope.radiograph.refusal import RefusalCode

PROJECT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("examples/*.md")]
)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_relative_link_leads_to_a_file(document):
    links = [target for target, _ in LINK.findall(document.read_text("utf-8")) if "://" not in target]
    missing = [target for target in links if not (document.parent / target).exists()]
    assert not missing


def test_the_readme_links_to_the_documents():
    assert len([target for target, _ in LINK.findall((PROJECT / "README.md").read_text("utf-8"))]) >= 5


def test_the_python_of_the_readme_runs_as_it_stands():
    blocks = re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        found = subprocess.run(
            [sys.executable, "-c", block], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120
        )
        assert found.returncode == 0, found.stderr
        assert "PNEUMONIA" in found.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_explained(name):
    text = (PROJECT / "docs/reference/command-line.md").read_text("utf-8")
    command = program.get_command(click.Context(program), name)
    assert f"## pneumoscope {name}" in text
    section = text.split(f"## pneumoscope {name}")[1].split("\n## ")[0]
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert not [option for option in options if option not in section]


def raised_codes() -> dict[str, str]:
    """Reason codes that stand as text where an error is made (a class, a code, ..., remedy=...), and in which file."""
    return {
        call.args[0].value: path.relative_to(PROJECT).as_posix()
        for path in sorted((PROJECT / "src").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and any(keyword.arg == "remedy" for keyword in call.keywords)
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_code_that_an_error_is_raised_with_is_explained():
    text = (PROJECT / "docs/reference/reason-codes.md").read_text("utf-8")
    codes = raised_codes()

    assert len(codes) > 100
    assert {code: file for code, file in codes.items() if f"`{code}`" not in text} == {}


@pytest.mark.parametrize("code", [*RefusalCode, *WarningCode])
def test_every_reason_code_is_explained(code):
    assert f"`{code}`" in (PROJECT / "docs/reference/reason-codes.md").read_text("utf-8")
