"""The second wall on its own: raw Python without the language layer in front of it must achieve nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trellis_plugins.scripts.harness import run
from trellis_plugins.scripts.host import sandbox as sandboxes
from trellis_plugins.scripts.host.errors import SandboxUnavailable, WorkerLost
from trellis_plugins.scripts.host.sandbox import Sandbox
from trellis_plugins.scripts.jail.probes import PROBES

RAW = {
    "open for reading": "result = open('/etc/hostname').read()",
    "open by os": "import os\nresult = os.open('/etc/hostname', 0)",
    "io.open_code": "import io\nresult = io.open_code('/etc/hostname')",
    "read proc": "result = open('/proc/self/environ').read()",
    "read proc maps": "result = open('/proc/self/maps').read()",
    "write": "open('/tmp/trellis_raw', 'w').write('x')\nresult = 1",
    "mkdir": "import os\nos.mkdir('/tmp/trellis_raw')\nresult = 1",
    "unlink": "import os\nos.unlink('/tmp/nothing')\nresult = 1",
    "chdir": "import os\nos.chdir('/tmp')\nresult = 1",
    "listdir": "import os\nresult = os.listdir('/tmp')",
    "stat": "import os\nresult = os.stat('/etc')",
    "symlink": "import os\nos.symlink('/etc', '/tmp/trellis_raw')\nresult = 1",
    "chmod": "import os\nos.chmod('/tmp', 0)\nresult = 1",
    "new import": "import sqlite3\nresult = 1",
    "tcp": "import socket\nresult = socket.create_connection(('127.0.0.1', 22))",
    "udp": "import socket\nresult = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix": "import socket\nresult = socket.socket(socket.AF_UNIX)",
    "socketpair": "import socket\nresult = socket.socketpair()",
    "raw socket": "import _socket\nresult = _socket.socket(17, 3)",
    "send a descriptor": "import socket, array\ns = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3)\nresult = s.sendmsg([b'x'], [(1, 1, array.array('i', [3]))])",
    "fork": "import os\nresult = os.fork()",
    "vfork": "import ctypes\nresult = ctypes.CDLL(None).syscall(58)",
    "clone": "import ctypes\nresult = ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0)",
    "clone3": "import ctypes\nresult = ctypes.CDLL(None).syscall(435, 0, 0)",
    "exec": "import os\nos.execv('/bin/sh', ['sh'])\nresult = 1",
    "execveat": "import ctypes\nresult = ctypes.CDLL(None).syscall(322, 0, 0, 0, 0, 0)",
    "system": "import os\nresult = os.system('true')",
    "thread": "import _thread\nresult = _thread.start_new_thread(lambda: None, ())",
    "kill init": "import os\nos.kill(1, 9)\nresult = 1",
    "kill group": "import os\nos.killpg(0, 9)\nresult = 1",
    "kill parent": "import os\nos.kill(os.getppid(), 9)\nresult = 1",
    "tgkill": "import ctypes\nresult = ctypes.CDLL(None).syscall(234, 1, 1, 9)",
    "pidfd_open": "import ctypes\nresult = ctypes.CDLL(None).syscall(434, 1, 0)",
    "ptrace": "import ctypes\nresult = ctypes.CDLL(None).ptrace(0, 0, 0, 0)",
    "process_vm_readv": "import ctypes\nresult = ctypes.CDLL(None).syscall(310, 1, 0, 0, 0, 0, 0)",
    "mmap executable": "import mmap\nresult = mmap.mmap(-1, 4096, prot=7)",
    "mprotect executable": "import ctypes\nb = ctypes.create_string_buffer(8192)\nresult = ctypes.CDLL(None).mprotect((ctypes.addressof(b) + 4095) & ~4095, 4096, 7)",
    "pkey_mprotect": "import ctypes\nresult = ctypes.CDLL(None).syscall(329, 0, 4096, 7, -1)",
    "remap_file_pages": "import ctypes\nresult = ctypes.CDLL(None).syscall(216, 0, 0, 0, 0, 0)",
    "personality": "import ctypes\nresult = ctypes.CDLL(None).syscall(135, 0x0400000)",
    "io_uring": "import ctypes\nresult = ctypes.CDLL(None).syscall(425, 8, 0)",
    "bpf": "import ctypes\nresult = ctypes.CDLL(None).syscall(321, 0, 0, 0)",
    "userfaultfd": "import ctypes\nresult = ctypes.CDLL(None).syscall(323, 0)",
    "perf_event_open": "import ctypes\nresult = ctypes.CDLL(None).syscall(298, 0, 0, 0, 0, 0)",
    "keyctl": "import ctypes\nresult = ctypes.CDLL(None).syscall(250, 0, 0, 0, 0, 0)",
    "memfd": "import os\nresult = os.memfd_create('x')",
    "pipe": "import os\nresult = os.pipe()",
    "dup": "import os\nresult = os.dup(3)",
    "eventfd": "import os\nresult = os.eventfd(0)",
    "inotify": "import ctypes\nresult = ctypes.CDLL(None).inotify_init()",
    "mount": "import ctypes\nresult = ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, 0)",
    "unshare": "import ctypes\nresult = ctypes.CDLL(None).unshare(0x10000000)",
    "setns": "import ctypes\nresult = ctypes.CDLL(None).setns(3, 0)",
    "chroot": "import os\nos.chroot('/tmp')\nresult = 1",
    "setuid": "import os\nos.setuid(0)\nresult = 1",
    "prctl": "import ctypes\nresult = ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)",
    "reset seccomp": "import ctypes\nresult = ctypes.CDLL(None).syscall(317, 1, 0, 0)",
    "ignore the alarm": "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nresult = 1",
    "block signals": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\nresult = 1",
    "raise memory limit": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nresult = 1",
    "memory bomb": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "cpu bomb": "while True: pass",
    "cpu bomb without alarm": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nsignal.setitimer(signal.ITIMER_PROF, 0)\nwhile True: pass",
    "sleep": "import time\ntime.sleep(30)\nresult = 1",
    "32-bit calls": "import ctypes\nresult = ctypes.CDLL(None).syscall(0x40000000 + 2, b'/etc/hostname', 0)",
    "reboot": "import ctypes\nresult = ctypes.CDLL(None).syscall(169, 0, 0, 0, 0)",
    "kernel module": "import ctypes\nresult = ctypes.CDLL(None).syscall(175, 0, 0, 0)",
    "shared memory": "import ctypes\nresult = ctypes.CDLL(None).shmget(1, 4096, 0o1000)",
    "settimeofday": "import time\ntime.clock_settime(0, 0)\nresult = 1",
    "sched_setaffinity": "import os\nos.sched_setaffinity(0, {0})\nresult = 1",
    "nice": "import os\nos.nice(-5)\nresult = 1",
    "setpriority of others": "import os\nos.setpriority(os.PRIO_PROCESS, 1, 19)\nresult = 1",
}


@pytest.fixture(scope="module")
def bare() -> Iterator[Sandbox]:
    found = Sandbox(production=False, without_language=True, spares=0)
    if found.missing:
        pytest.skip(f"this machine does not offer {', '.join(found.missing)}")
    yield found
    found.close()


@pytest.mark.parametrize("name", RAW)
def test_raw_python_achieves_nothing(name: str, bare: Sandbox) -> None:
    worker = bare.take()
    started = time.monotonic()
    try:
        message = {"op": "raw", "source": RAW[name], "cpu_s": 1.0, "wall_s": 0.5}
        answer = worker.request(message, wall_s=0.5)
        # A call made through ctypes answers -1 when it is refused.
        assert answer["outcome"] == "error" or answer["result"] == "-1", answer
    except WorkerLost as lost:
        assert lost.signal or lost.limit
    finally:
        worker.close()
    assert time.monotonic() - started < 30
    assert not Path("/tmp/trellis_raw").exists()


def test_raw_python_that_may_run_does_run(bare: Sandbox) -> None:
    worker = bare.take()
    answer = worker.request({"op": "raw", "source": "result = 6 * 7", "cpu_s": 1.0, "wall_s": 1.0}, wall_s=1.0)
    worker.close()
    assert answer == {"outcome": "ok", "result": "42"}


def test_worker_of_the_product_takes_no_raw_python(walls: Sandbox) -> None:
    worker = walls.take()
    answer = worker.request({"op": "raw", "source": "result = 1", "cpu_s": 1.0, "wall_s": 1.0}, wall_s=1.0)
    worker.close()
    assert answer == {"outcome": "unknown"}


def test_first_wall_cannot_be_switched_off_in_production() -> None:
    with pytest.raises(ValueError, match="production"):
        Sandbox(production=True, without_language=True)


def test_self_test_passes_and_a_missing_filter_fails_it(walls: Sandbox) -> None:
    assert walls.self_test() == ()
    weak = Sandbox(production=False, spares=0)
    weak._flags["seccomp"] = False
    failures = weak.self_test()
    weak.close()
    assert {"open_socket", "ignore_alarm", "executable_memory"} <= set(failures)
    with pytest.raises(SandboxUnavailable, match="self-test"):
        weak.take()


def test_self_test_without_landlock_finds_the_readable_file() -> None:
    weak = Sandbox(production=False, spares=0)
    if weak.missing:
        pytest.skip("nothing to take away")
    weak._flags.update(seccomp=False, landlock=False)
    failures = weak.self_test()
    weak.close()
    assert "read_file" in failures


def test_production_refuses_a_machine_without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Sandbox(production=True, spares=0)
    object.__setattr__(found, "offered", sandboxes.walls.Walls(0, True, True))
    with pytest.raises(SandboxUnavailable, match="Landlock"):
        found.take()


def test_probes_are_as_many_as_the_self_test_promises() -> None:
    assert len(PROBES) >= 10


def test_worker_has_no_root_no_environment_and_one_descriptor(bare: Sandbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has root to give up")
    worker = bare.take()
    worker.request({"op": "none"}, wall_s=2.0)  # It has locked itself down when it answers.
    status = Path(f"/proc/{worker.pid}/status").read_text()
    descriptors = set(os.listdir(f"/proc/{worker.pid}/fd"))
    environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
    worker.close()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    assert descriptors == {"0", "1", "2", "3"}
    assert b"PATH" not in environment and b"HOME" not in environment


def test_killed_zygote_refuses_and_comes_back(walls: Sandbox) -> None:
    held = walls.take()
    assert walls._zygote is not None
    os.kill(walls._zygote.pid, signal.SIGKILL)
    with pytest.raises(WorkerLost):
        held.request({"op": "probe", "name": "trace"}, wall_s=1.0)
    assert run("1 + 1", sandbox=walls)["result"] == 2


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"[]",
        b'{"outcome": 5}',
        b'{"outcome": "ok", "results": [{"value": {"$": "d", "v": "x"}}], "steps": 1, "log": []}',
        b'{"outcome": "ok", "results": [{"value": {"$": []}}], "steps": 1, "log": []}',
        b'{"outcome": "ok", "results": 7}',
        b'{"outcome": "limit"}',
        b'{"call": 5, "args": []}',
        b'{"call": "query", "args": {}}',
        b'{"call": "query", "args": [1, 2, 3, 4, 5, 6, 7]}',
        b"[" * 100_000,
        b'{"outcome": "ok", "results": [{"value": "\\ud800"}], "steps": 1, "log": []}',
        b"\xff\xff\xff\xff",
    ],
)
def test_whatever_a_worker_sends_costs_the_worker_only(
    body: bytes, bare: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is taken over answers with ``body``; the host says "limit" and goes on."""
    raw = (
        "import struct, os\n"
        f"body = {body!r}\n"
        "frame = struct.pack('!I', len(body)) + body if body != b'\\xff\\xff\\xff\\xff' else body\n"
        "while frame:\n    frame = frame[os.write(3, frame):]\n"
        "result = 1\nimport time\nwhile True: pass\n"
    )
    from trellis_plugins.scripts import harness, stub

    worker = bare.take()
    try:
        message = {"op": "raw", "source": raw, "cpu_s": 1.0, "wall_s": 0.5}
        answer = harness._read(
            worker.request(
                message, wall_s=0.5, on_call=stub.StubCrm({"queries": 1, "rows": 1, "writes": 1, "rows_written": 1})
            )
        )
        assert answer["status"] == "limit"
    except WorkerLost:
        pass
    finally:
        worker.close()
    assert worker.ended is not None


def test_worker_that_calls_without_end_is_ended(bare: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from trellis_plugins.scripts.host import worker as workers

    monkeypatch.setattr(workers, "MAX_CALLS", 50)
    raw = (
        'import struct, os\nbody = b\'{"call": "limits", "args": []}\'\n'
        "while True:\n    os.write(3, struct.pack('!I', len(body)) + body)\n    os.read(3, 4096)\n"
    )
    worker = bare.take()
    answered = []
    with pytest.raises(WorkerLost, match="too often"):
        worker.request(
            {"op": "raw", "source": raw, "cpu_s": 1.0, "wall_s": 5.0},
            wall_s=5.0,
            on_call=lambda n, a: answered.append(n) or {"value": 1},
        )
    assert len(answered) == 50 and worker.ended is not None


@pytest.mark.parametrize("code", [5, "no base64!", None, ["x"]])
def test_compiler_that_answers_nonsense_refuses_the_script(code: object) -> None:
    with pytest.raises(sandboxes.ScriptRefused):
        sandboxes._read_code("k", {"outcome": "ok", "code": code, "names": 5})
    with pytest.raises(sandboxes.ScriptRefused):
        sandboxes._read_code("k", {"outcome": "refused", "problems": code})


def test_zygote_outlives_the_thread_that_started_it() -> None:
    import threading

    found = Sandbox(production=False, spares=0)
    thread = threading.Thread(target=lambda: found._living_zygote())
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert found._zygote is not None and found._zygote.alive
    found.close()


def test_self_test_is_repeated_after_an_hour(walls: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr(sandboxes, "examine_walls", lambda new, missing: done.append(1) or iter(()))
    walls.self_test()
    walls.check()
    assert len(done) == 1
    monkeypatch.setattr(walls, "_tested_at", time.monotonic() - sandboxes.SELF_TEST_S - 1)
    walls.check()
    assert len(done) == 2


def test_a_process_runs_in_production_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "_shared", None)
    monkeypatch.delenv("TRELLIS_DEVELOPMENT", raising=False)
    assert sandboxes.shared().production
    monkeypatch.setattr(sandboxes, "_shared", None)
    monkeypatch.setenv("TRELLIS_DEVELOPMENT", "1")
    assert not sandboxes.shared().production
