"""Forbidden things for the self-test: each tries one and returns whether it worked.

They run in a worker with the second wall alone, without the language layer in front of it. A probe that is stopped raises,
or its process dies; both are what is wanted.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import threading
from collections.abc import Callable

from trellis_plugins.scripts.jail.lockdown import LIBC

Probe = Callable[[], bool]


def read_file() -> bool:
    """Read a file that everybody may read."""
    with open("/etc/passwd") as file:
        return bool(file.read(1))


def list_folder() -> bool:
    """List the root folder."""
    return bool(os.listdir("/"))


def write_file() -> bool:
    """Write into the folder for temporary files."""
    with open("/tmp/trellis-probe", "w") as file:
        return file.write("x") == 1


def open_socket() -> bool:
    """Make a network socket."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM).fileno() >= 0


def local_socket() -> bool:
    """Make a local socket."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).fileno() >= 0


def fork() -> bool:
    """Make a process."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    return child > 0


def start_thread() -> bool:
    """Start a thread."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    return True


def run_program() -> bool:
    """Replace the process by a program. Comes back only when that failed."""
    os.execv("/bin/true", ["true"])


def kill_parent() -> bool:
    """Send a signal to the process that made this one."""
    os.kill(os.getppid(), 0)
    return True


def trace() -> bool:
    """Trace another process."""
    return int(LIBC.ptrace(16, os.getpid(), 0, 0)) == 0


def executable_memory() -> bool:
    """Map memory that may be executed."""
    return len(mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)) > 0


def make_executable() -> bool:
    """Make memory executable afterwards."""
    region = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(region))
    return int(LIBC.mprotect(ctypes.c_void_p(address), 4096, 7)) == 0


def ignore_alarm() -> bool:
    """Ignore the alarm that ends a run."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return True


def raise_limits() -> bool:
    """Take the memory limit away."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


def io_uring() -> bool:
    """Set up a ring of requests, which go past the filter of calls."""
    return int(LIBC.syscall(425, 8, ctypes.create_string_buffer(256))) >= 0


def read_other_memory() -> bool:
    """Read the memory of the parent."""
    return int(LIBC.process_vm_readv(os.getppid(), None, 0, None, 0, 0)) >= 0


def become_root() -> bool:
    """Take on the identity of root."""
    os.setuid(0)
    return os.getuid() == 0


def too_much_memory() -> bool:
    """Take 512 MB."""
    return len(bytearray(512 << 20)) > 0


def memory_file() -> bool:
    """Make a file in memory."""
    return os.memfd_create("x") >= 0


PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        read_file,
        list_folder,
        write_file,
        open_socket,
        local_socket,
        fork,
        start_thread,
        run_program,
        kill_parent,
        trace,
        executable_memory,
        make_executable,
        ignore_alarm,
        raise_limits,
        io_uring,
        read_other_memory,
        become_root,
        too_much_memory,
        memory_file,
    )
}
