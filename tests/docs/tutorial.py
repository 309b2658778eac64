"""Runs a page of documentation as its reader would, and notices every difference.

Blocks are taken in order. ``json file=PATH`` and ``csv file=PATH`` are files to write; ``console`` has commands after
``$ `` with the output that is expected below them; all other blocks are only shown. A line ``…`` stands for any lines,
``…`` within a line for any text; blank lines do not count. A command's line may go on after ``\\``. Known commands: ``trellis`` (run in this
process; ``trellis run`` starts a real server on a free port), ``curl`` (a small part of it), ``mkdir``, ``cat`` and
``NAME=$(command)``. Answers of ``curl`` are compared without white space, so that the page may break them for reading.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from trellis.cli import root

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = ":8000"


class Differs(AssertionError):
    """A command did not answer what the page says."""


@dataclass(frozen=True)
class Block:
    """One fenced block: its kind, the file that it is, its text and its line in the page."""

    kind: str
    file: str | None
    body: str
    line: int


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of ``page`` in order."""
    found = []
    for match in FENCE.finditer(page):
        kind, _, rest = match["info"].strip().partition(" ")
        file = rest.removeprefix("file=") if rest.startswith("file=") else None
        found.append(Block(kind, file, match["body"], page.count("\n", 0, match.start()) + 1))
    return found


def commands(body: str) -> list[tuple[str, str]]:
    """Return the commands of a console block with the output expected of each."""
    text = body.replace("\\\n", " ")
    if not text.startswith("$ "):
        raise Differs(f"A console block begins with a command: {text[:60]!r}")
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def matches(expected: str, found: str, *, spaces: bool) -> bool:
    """Whether ``found`` is what the page expects. Without ``spaces`` white space does not count."""
    if not spaces:
        expected, found = re.sub(r"\s", "", expected), re.sub(r"\s", "", found)
        return re.fullmatch(".*?".join(map(re.escape, expected.split("…"))), found, re.DOTALL) is not None
    wanted = [line.rstrip() for line in expected.split("\n") if line.strip()]
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line == "…" else "[^\n]*?".join(map(re.escape, line.split("…"))) + "\n" for line in wanted
    )
    lines = "".join(line.rstrip() + "\n" for line in found.split("\n") if line.strip())
    return re.fullmatch(pattern, lines) is not None


@dataclass
class Reader:
    """Follows a page in ``folder``. Use as a context, so that the server is stopped."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    _server: subprocess.Popen[bytes] | None = None
    _port: int = 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(20)

    def follow(self, page: str) -> int:
        """Do what ``page`` says; return how many commands ran. Raises :class:`Differs`."""
        count = 0
        for block in blocks(page):
            if block.file is not None:
                path = self.folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.body, encoding="utf-8")
            elif block.kind == "console":
                for command, expected in commands(block.body):
                    self._check(block, command, expected)
                    count += 1
        return count

    def _check(self, block: Block, command: str, expected: str) -> None:
        found = self._run(command).replace(str(self.folder), "/home/you/my-crm")
        if self._port:
            found = found.replace(f":{self._port}", PORT)
        if not matches(expected, found, spaces=not command.startswith("curl ")):
            raise Differs(f"Line {block.line}: $ {command}\n--- the page says\n{expected}\n--- but it is\n{found}")

    def _run(self, command: str) -> str:
        assigned = re.fullmatch(r"([A-Z]+)=\$\((.*)\)", command.strip())
        if assigned:
            self.variables[assigned[1]] = self._run(assigned[2]).strip()
            return ""
        words = shlex.split(re.sub(r"\$([A-Z]+)\b", lambda m: self.variables[m[1]], command))
        if words[0] == "trellis":
            return self._serve(words[1:]) if words[1] == "run" else self._trellis(words[1:])
        if words[0] == "curl":
            return self._curl(words[1:])
        if words[0] == "mkdir":
            (self.folder / words[-1]).mkdir(parents=True)
            return ""
        if words[0] == "cat":
            return (self.folder / words[1]).read_text(encoding="utf-8")
        raise Differs(f"The reader does not know the command '{words[0]}'.")

    def _trellis(self, words: list[str]) -> str:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            result = CliRunner().invoke(root, words, env={"COLUMNS": "100", "NO_COLOR": "1"})
        finally:
            os.chdir(before)
        return result.output

    def _serve(self, words: list[str]) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        log = self.folder / "server.log"
        with log.open("wb") as out:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "trellis", *words, "--port", str(self._port)],
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/health", timeout=5).close()
                return log.read_text(encoding="utf-8").partition("\n")[0]
            except OSError:
                time.sleep(0.1)
        raise Differs(f"The server did not start: {log.read_text(encoding='utf-8')}")

    def _curl(self, words: list[str]) -> str:
        method, headers, data, url, head = None, {}, None, "", False
        rest = iter(words)
        for word in rest:
            if word == "-H":
                name, _, value = next(rest).partition(":")
                headers[name] = value.strip()
            elif word in ("-X", "-d"):
                method, data = (next(rest), data) if word == "-X" else (method, next(rest).encode())
            elif word in ("-s", "-i"):
                head = head or word == "-i"
            else:
                url = word.replace(PORT, f":{self._port}")
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as refused:
            answer = refused
        body = answer.read().decode()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{k}: {v}" for k, v in answer.headers.items()), "", ""]
        return "\n".join(lines) + body if head else body
