"""``agentalign collect``: what LangChain apps post becomes traces, without a line in the apps."""

from pathlib import Path
from typing import Annotated

import typer

from agentalign_lc.cli.problems import Problems
from agentalign_lc.errors import ConfigError

__all__ = ["collect", "serve_command"]

collect = typer.Typer(
    name="collect",
    help="Collect traces of LangChain apps, in Python or JavaScript, that set three variables.",
    no_args_is_help=True,
)


@collect.callback()
def _common() -> None:
    # With a single command Typer would leave out its name.
    pass


@collect.command("serve")
def serve_command(  # noqa: PLR0913, PLR0917 - a command has its options
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = 1984,
    host: Annotated[str, typer.Option(help="Beyond this machine only with --token.")] = "127.0.0.1",
    store: Annotated[
        str, typer.Option(help="SQLite file, or postgresql://... (extra postgres).")
    ] = "traces.sqlite",
    token: Annotated[
        str,
        typer.Option(
            envvar="AGENTALIGN_COLLECT_TOKEN", help="What apps must give as LANGSMITH_API_KEY."
        ),
    ] = "",
    journal: Annotated[
        Path | None,
        typer.Option(
            help="File for what was taken and is not in the store yet. (default: beside the store)"
        ),
    ] = None,
    redact: Annotated[
        bool,
        typer.Option(
            help="Hide keys, e-mail addresses, card and phone numbers before anything is written."
        ),
    ] = True,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for late runs of a trace that ended.")
    ] = 2.0,
    idle: Annotated[
        float, typer.Option(min=1, help="Seconds after which a silent trace is kept as open.")
    ] = 3600.0,
) -> None:
    """Serve a LangSmith-compatible endpoint until Ctrl-C, which keeps what is there."""
    # Not at the top: the database's library is heavy, and other commands do without it.
    from agentalign_lc.traces.collector.collector import Collector  # noqa: PLC0415
    from agentalign_lc.traces.collector.gathering import Gathering  # noqa: PLC0415
    from agentalign_lc.traces.collector.journal import Journal  # noqa: PLC0415
    from agentalign_lc.traces.collector.server import bind, serve  # noqa: PLC0415
    from agentalign_lc.traces.redaction import Redactor  # noqa: PLC0415
    from agentalign_lc.traces.store import TraceStore  # noqa: PLC0415

    listening = bind(host, port, token)
    port = listening.getsockname()[1]
    with (
        listening,
        TraceStore.open(store) as traces,
        Journal(journal or _beside(store)) as waiting,
        Problems("later ones are not shown") as problems,
    ):
        collector = Collector(
            traces,
            waiting,
            redact=Redactor() if redact else lambda trace: trace,
            gathering=Gathering(grace=grace, idle=idle),
        )
        found = collector.waiting
        serve(
            collector,
            listening,
            token=token,
            report=problems.say,
            started=lambda _: _say_where(host, port, token, traces.place, found),
        )
        noun = "trace" if collector.kept == 1 else "traces"
        typer.echo(f"kept {collector.kept:,} {noun} in {traces.place}")
        if collector.waiting:
            raise ConfigError(
                f"{collector.waiting:,} traces wait in {waiting.path}: mend the store, start again"
            )


def _beside(store: str) -> Path:
    if "://" not in store:
        return Path(f"{store}.collecting")
    kind, _, rest = store.partition("://")
    return Path(f"{rest[1:]}.collecting" if kind.startswith("sqlite") else "traces.collecting")


def _say_where(host: str, port: int, token: str, place: str, found: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    typer.echo("Set these where the app runs, and start it:\n")
    typer.echo("  LANGSMITH_TRACING=true")
    typer.echo(f"  LANGSMITH_ENDPOINT=http://{shown}:{port}")
    typer.echo(f"  LANGSMITH_API_KEY={'<the token>' if token else 'local'}\n")
    if found:
        typer.echo(f"{found:,} traces that were not kept last time are taken up.")
    typer.echo(f"Traces go to {place}. Ctrl-C ends and keeps what is there.")
