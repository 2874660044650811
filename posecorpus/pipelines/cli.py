"""The command line. Each command imports what it needs when it runs, so that ``--help`` is instant."""

from __future__ import annotations

import sys

import typer

from posecorpus.core.errors import InputError
from posecorpus.pipelines.commands import (
    anchors,
    corpora,
    evaluation,
    fetch,
    lifting,
    photos,
    prediction,
    regressors,
    synth,
    training,
)
from posecorpus.pipelines.commands.shared import EXIT_INPUT

app = typer.Typer(
    name="posecorpus",
    help="Make training corpora for human pose: render people moved by MoCap with every label exact, label photos, check, look, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(synth.app)
app.add_typer(photos.app)
app.add_typer(lifting.app)
app.add_typer(anchors.app)
app.add_typer(evaluation.app)
app.add_typer(prediction.app)
app.add_typer(training.app, name="train")
app.add_typer(regressors.app)
app.add_typer(corpora.app)
app.add_typer(fetch.app, name="fetch")


def main() -> None:
    """Run the command line; a user's error is one line on stderr and exit code 2."""
    try:
        app()
    except InputError as error:
        for line in getattr(error, "lines", ()):
            print(line, file=sys.stderr)
        print(f"posecorpus: {error}", file=sys.stderr)
        sys.exit(EXIT_INPUT)


if __name__ == "__main__":
    main()
