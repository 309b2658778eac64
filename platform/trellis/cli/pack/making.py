"""Making packs: new, check, test, dev, build, key, sign, trust."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from trellis.cli.failures import diagnostic_line
from trellis.cli.pack.arguments import (
    FOLDER,
    WITH,
    packs_around,
)
from trellis.cli.pack.showing import show_cases, show_checks
from trellis.cli.state import State, existing, pass_state
from trellis_metadata.errors import TrellisError


@click.command("new")
@FOLDER
@click.option("--name", help="API name; default: the folder's name.")
@click.option("--prefix", required=True, help="Prefix of what the pack adds, for example edu.")
@pass_state
def new(state: State, folder: Path, name: str | None, prefix: str) -> None:
    """Write a new pack to FOLDER."""
    from trellis.packs.template import new_pack

    files = new_pack(folder, name or folder.name, prefix)
    state.answer(
        {"files": [f.relative_to(folder).as_posix() for f in files]},
        f"{len(files)} files in {folder}. Next: trellis pack check {folder}",
    )


@click.command("check")
@FOLDER
@WITH
@click.option("--cases/--no-cases", default=True, help="Run the cases too.")
@pass_state
def check(state: State, folder: Path, others: tuple[Path, ...], cases: bool) -> None:
    """Say everything that is wrong with the pack in FOLDER, and run its cases."""
    from trellis.packs.cases import run_cases
    from trellis.packs.checking import check_pack, errors_of
    from trellis.packs.scratch import scratch
    from trellis.packs.source import read_pack

    source = read_pack(existing(folder, folder=True))
    snapshot, found = check_pack(source, packs_around(others))
    reports = []
    if cases and source.cases and not errors_of(found):
        with scratch(snapshot) as maker:
            reports = [r.to_json() for r in run_cases(maker, source.cases)]
    errors = len(errors_of(found)) + sum(not r["passed"] for r in reports)

    def show(console: Console) -> None:
        for d in found:
            console.print(escape(diagnostic_line(d.to_json())))
        show_cases(console, reports)
        console.print(f"{source.name} {source.version}: {errors} problem(s).")

    state.answer({"valid": not errors, "diagnostics": [d.to_json() for d in found], "cases": reports}, show)
    if errors:
        raise click.exceptions.Exit(1)


@click.command("test")
@FOLDER
@WITH
@pass_state
def test(state: State, folder: Path, others: tuple[Path, ...]) -> None:
    """Run the cases of the pack in FOLDER, and the tests that its objects and rules give by themselves."""
    from trellis.packs.checking import check_pack, errors_of
    from trellis.packs.source import read_pack
    from trellis.packs.trying import try_pack
    from trellis.publishing.publisher import InvalidMetadata

    source = read_pack(existing(folder, folder=True))
    snapshot, found = check_pack(source, packs_around(others))
    if errors_of(found):
        raise InvalidMetadata(errors_of(found))
    cases, checks = try_pack(snapshot, source)
    show_checks(state, [r.to_json() for r in cases], [c.to_json() for c in checks])


@click.command("dev")
@FOLDER
@WITH
@click.option("--once", is_flag=True, help="Apply once and stop.")
@pass_state
def dev(state: State, folder: Path, others: tuple[Path, ...], once: bool) -> None:
    """Keep a scratch tenant, named dev_NAME, in step with the pack in FOLDER: every change of a file is applied."""
    import time

    from trellis.packs.development import Workbench

    bench = Workbench(state.runtime, existing(folder, folder=True), packs_around(others))
    seen: object = None
    while True:
        now = bench.stamp()
        if now != seen:
            seen = now
            try:
                result = bench.apply()
                text = f"Version {result['version']} of tenant '{result['tenant']}': {result['changes']} change(s)."
            except TrellisError as problem:
                result = {"error": problem.message}
                details = [diagnostic_line(d.to_json()) for d in getattr(problem, "diagnostics", ())]
                text = "\n".join([problem.message, *details])
            if once:
                state.answer(result, text)
                return
            click.echo(text)
        time.sleep(0.5)


@click.command("build")
@FOLDER
@click.option("--output", type=click.Path(path_type=Path), help="The file; default: NAME-VERSION.trellis.")
@pass_state
def build(state: State, folder: Path, output: Path | None) -> None:
    """Build the pack in FOLDER as one file. The same folder gives the same bytes."""
    from trellis.packs import archive
    from trellis.packs.source import read_pack

    source = read_pack(existing(folder, folder=True))
    target = output or Path(f"{source.name}-{source.version}{archive.SUFFIX}")
    manifest = archive.build(folder, target)
    state.answer(
        {"file": str(target), **manifest}, f"{target}: {len(manifest['files'])} files. Next: trellis pack sign"
    )


@click.command("key")
@click.argument("file", type=click.Path(path_type=Path))
@pass_state
def key(state: State, file: Path) -> None:
    """Write a new private key to FILE and print the public key, which customers put on their trust list."""
    from trellis.packs.signing import new_key

    public = new_key(file)
    state.answer({"public_key": public}, f"Public key: {public}")


@click.command("sign")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--key", "key_file", type=click.Path(path_type=Path), required=True, help="The file with the private key."
)
@pass_state
def sign(state: State, file: Path, key_file: Path) -> None:
    """Sign a built pack."""
    from trellis.packs.shelf import sign_archive

    public = sign_archive(existing(file), existing(key_file))
    state.answer({"file": str(file), "public_key": public}, f"{file} is signed with {public}.")


@click.command("trust")
@click.argument("owner")
@click.argument("public_key")
@pass_state
def trust(state: State, owner: str, public_key: str) -> None:
    """Put the public key of OWNER on the trust list of this home folder."""
    from trellis.packs.shelf import Shelf

    shelf = Shelf(state.home.resolve())
    made = shelf.trust.with_key(owner, public_key)
    made.write(shelf.trust_file)
    state.answer({"keys": dict(made.keys)}, f"Packs signed by {owner} are trusted.")


COMMANDS = (new, check, test, dev, build, key, sign, trust)
