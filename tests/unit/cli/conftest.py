import pytest

from pneumoscope.cli.main import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the program; returns exit status, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["pneumoscope", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as stopped:
            status = stopped.code or 0
        return status, *capsys.readouterr()

    return run
