"""``demo``: a synthetic county, three feeds, every room in use, in one command."""

from __future__ import annotations

import click

from gateway.cli.context import Desk, pass_desk


@click.command()
@click.option("--people", default=20_000, show_default=True, type=click.IntRange(500, 1_000_000), help="How many.")
@click.option("--seed", default=20_260_930, show_default=True, help="The same seed makes the same county.")
@click.option("--no-serve", is_flag=True, help="Load and print the summary, then stop.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65_535), help="Port to serve on.")
@pass_desk
def demo(desk: Desk, people: int, seed: int, no_serve: bool, host: str, port: int) -> None:  # noqa: FBT001, PLR0913, PLR0917 - options
    """Load synthetic people and three real-format feeds, link them, release data, print a summary, and serve.

    May be given again: what is in is left as it is, and a run that was stopped goes on. Another number of people or
    seed is another county, and gets a house of its own inside the data folder.

    \b
    gateway demo --people 5000 --no-serve
    """  # noqa: D301 - click's mark for lines to keep as they are
    from gateway.demo import run  # noqa: PLC0415 - the only importer of fixtures, and only when asked

    settings = run(desk.settings, people=people, seed=seed)
    if not no_serve:
        from gateway.app import serve  # noqa: PLC0415

        serve(settings, host=host, port=port)
