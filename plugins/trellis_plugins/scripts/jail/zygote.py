"""The zygote: a small process that only forks workers. It never sees a script.

Started as ``python -s -S -P -m …`` with an empty environment. Requests on its control socket (descriptor 3), one JSON
object each: ``{"op": "fork", "memory_mb", "cpu_s"}`` with the worker's socket as ancillary data → ``{"pid"}``;
``{"op": "end", "pid"}`` kills and reaps a worker → ``{"signal", "code", "cpu_ms", "peak_kb"}``. It reaps only on request, so
that a number is never given to another process while the host still knows it. It ends when its host does.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import sys
import threading
from typing import Any

CONTROL = 3
_preloaded: tuple[Any, ...] = ()


def main(arguments: list[str]) -> None:
    """Serve until the host closes the control socket."""
    flags = json.loads(arguments[0])
    control = _take_control(int(arguments[2]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)

    from trellis_plugins.scripts.jail import child, engine, lockdown

    _preload()
    engine.prepare()
    options = child.Options(
        landlock=flags["landlock"], seccomp=flags["seccomp"], without_language=flags.get("without_language", False)
    )
    namespaces = lockdown.leave_namespaces()
    unprivileged = lockdown.leave_root()
    # Not die_with_parent: that watches the thread that started this process, not the process. A closed socket tells enough.
    seccomp = lockdown.Seccomp() if options.seccomp else None
    gc.collect()
    gc.freeze()
    base = lockdown.address_space()
    _send(control, {"ready": True, "unprivileged": unprivileged, "namespaces": namespaces, "base": base})
    while True:
        message, descriptors = _receive(control)
        if message is None:
            return
        if message["op"] == "fork":
            pid = os.fork()
            if pid == 0:
                _become_worker(control, descriptors[0], options, seccomp, base, message)
            os.close(descriptors[0])
            _send(control, {"pid": pid})
        elif message["op"] == "end":
            _send(control, _end(message["pid"]))


def _become_worker(
    control: socket.socket, descriptor: int, options: Any, seccomp: Any, base: int, message: dict[str, Any]
) -> None:
    from trellis_plugins.scripts.jail import child

    code = 70
    try:
        control.detach()
        os.dup2(descriptor, CONTROL)
        if descriptor != CONTROL:
            os.close(descriptor)
        # Before the lock-down: Python asks the kernel about a socket that it takes over.
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=CONTROL)
        child.lock(options, seccomp, base, message["memory_mb"], message["cpu_s"])
        child.Child(options, channel).serve()
        code = 0
    finally:
        os._exit(code)


def _take_control(descriptor: int) -> socket.socket:
    """Return the control socket, moved to its place."""
    if descriptor != CONTROL:
        os.dup2(descriptor, CONTROL)
        os.close(descriptor)
    return socket.socket(fileno=CONTROL)


def _preload() -> None:
    """Import what standard functions import when they are first called: a worker cannot read files."""
    import _strptime
    import encodings.ascii
    import encodings.idna
    import encodings.latin_1
    import resource

    global _preloaded
    _preloaded = (_strptime, encodings, resource, threading)
    from datetime import datetime

    datetime.strptime("2026-01-02 03:04", "%Y-%m-%d %H:%M")
    from trellis_plugins.scripts.jail.compiler import compile_script
    from trellis_plugins.scripts.jail.facades import dates, decimals, json_text, maths, patterns

    _preloaded += (compile_script, dates, decimals, json_text, maths, patterns)
    compile_script("import re\nfor a, *b in [[1]]:\n    print(f'{a:>3}', re.sub('a', 'b', 'c'))\n")
    import re2

    re2.compile("(a+)b").search("aab")


def _end(pid: int) -> dict[str, Any]:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    try:
        _, status, usage = os.wait4(pid, 0)
    except ChildProcessError:
        return {"signal": 0, "code": -1, "cpu_ms": 0, "peak_kb": 0}
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
        "cpu_ms": round((usage.ru_utime + usage.ru_stime) * 1000, 3),
        "peak_kb": usage.ru_maxrss,
    }


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode())


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Read one datagram of the sequenced-packet socket and the descriptors that came with it."""
    data, ancillary, _flags, _address = control.recvmsg(4096, socket.CMSG_LEN(4))
    descriptors: list[int] = []
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.extend(struct.unpack(f"{len(payload) // 4}i", payload[: len(payload) // 4 * 4]))
    return (json.loads(data) if data else None), descriptors


if __name__ == "__main__":
    main(sys.argv[1:])
