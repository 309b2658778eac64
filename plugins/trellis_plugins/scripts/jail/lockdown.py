"""The second wall, put up by the worker itself before it reads any script: resource limits, Landlock, seccomp.

Pure ``ctypes``: the libraries for this either need libseccomp on the machine or are not kept any more, and the two calls
are small. Constants are those of the kernel's user interface (``linux/landlock.h``, ``linux/seccomp.h``, ``linux/filter.h``).
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from dataclasses import dataclass

LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 1, 38, 4
_SIGKILL = 9
_CLONE_NEWNET, _CLONE_NEWIPC, _CLONE_NEWUTS, _CLONE_NEWUSER = 0x40000000, 0x08000000, 0x04000000, 0x10000000
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_SECCOMP_SET_MODE_FILTER = 1
NOBODY = 65534
STACK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the filter needs to know of a processor: its audit number and the numbers of its system calls."""

    audit: int
    seccomp: int
    calls: dict[str, int]


_X86_64 = Architecture(
    0xC000003E,
    317,
    {
        "read": 0, "write": 1, "close": 3, "poll": 7, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12,
        "rt_sigreturn": 15, "mremap": 25, "sched_yield": 24, "madvise": 28, "setitimer": 38, "getpid": 39,
        "sendto": 44, "recvfrom": 45, "exit": 60, "gettimeofday": 96, "getrusage": 98, "times": 100, "gettid": 186,
        "time": 201, "futex": 202, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
        "exit_group": 231, "getrandom": 318, "rseq": 334,
        "open": 2, "stat": 4, "fstat": 5, "lstat": 6, "lseek": 8, "rt_sigaction": 13, "rt_sigprocmask": 14,
        "ioctl": 16, "access": 21, "fcntl": 72, "uname": 63, "getcwd": 79, "readlink": 89, "sysinfo": 99,
        "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "sigaltstack": 131, "getdents64": 217,
        "openat": 257, "newfstatat": 262, "readlinkat": 267, "faccessat": 269, "prlimit64": 302, "statx": 332,
        "faccessat2": 439,
    },
)  # fmt: skip
_AARCH64 = Architecture(
    0xC00000B7,
    277,
    {
        "read": 63, "write": 64, "close": 57, "ppoll": 73, "mmap": 222, "mprotect": 226, "munmap": 215, "brk": 214,
        "rt_sigreturn": 139, "mremap": 216, "sched_yield": 124, "madvise": 233, "setitimer": 103, "getpid": 172,
        "sendto": 206, "recvfrom": 207, "exit": 93, "gettimeofday": 169, "getrusage": 165, "times": 153, "gettid": 178,
        "futex": 98, "restart_syscall": 128, "clock_gettime": 113, "clock_getres": 114, "exit_group": 94,
        "getrandom": 278, "rseq": 293,
        "fstat": 80, "lseek": 62, "rt_sigaction": 134, "rt_sigprocmask": 135, "ioctl": 29, "fcntl": 25, "uname": 160,
        "getcwd": 17, "sysinfo": 179, "getuid": 174, "getgid": 176, "geteuid": 175, "getegid": 177,
        "sigaltstack": 132, "getdents64": 61, "openat": 56, "newfstatat": 79, "readlinkat": 78, "faccessat": 48,
        "prlimit64": 261, "statx": 291, "faccessat2": 439,
    },
)  # fmt: skip
_ARCHITECTURES = {"x86_64": _X86_64, "aarch64": _AARCH64}
ALLOWED = (
    "read", "write", "recvfrom", "sendto", "futex", "mmap", "mprotect", "munmap", "mremap", "madvise", "brk",
    "clock_gettime", "setitimer", "poll", "ppoll", "close", "rt_sigreturn", "sched_yield", "getpid", "gettid", "exit",
    "exit_group", "gettimeofday", "getrusage", "times", "time", "restart_syscall", "clock_getres", "getrandom", "rseq",
)  # fmt: skip
"""Calls that a worker needs. ``mmap`` and ``mprotect`` only without PROT_EXEC."""
DENIED_SOFTLY = (
    "open", "stat", "fstat", "lstat", "lseek", "rt_sigaction", "rt_sigprocmask", "ioctl", "access", "fcntl", "uname",
    "getcwd", "readlink", "sysinfo", "getuid", "getgid", "geteuid", "getegid", "sigaltstack", "getdents64", "openat",
    "newfstatat", "readlinkat", "faccessat", "prlimit64", "statx", "faccessat2",
)  # fmt: skip
"""Calls that answer EPERM, so that a stray look at a file is an error and not the end. Every other call kills."""


class LockdownFailed(Exception):
    """A part of the second wall could not be put up: the worker must not run anything."""


class SockFprog(ctypes.Structure):
    """``struct sock_fprog``: a program for the kernel's packet filter."""

    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def architecture() -> Architecture | None:
    """Return this machine's architecture; None where the filter has never been tried."""
    return _ARCHITECTURES.get(platform.machine()) if ctypes.sizeof(ctypes.c_void_p) == 8 else None


def seccomp_offered() -> bool:
    """Say whether the kernel can kill a process for a system call."""
    if architecture() is None:
        return False
    try:
        with open("/proc/sys/kernel/seccomp/actions_avail") as file:
            return "kill_process" in file.read()
    except OSError:
        return False


def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers, 0 for none."""
    found = LIBC.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return max(0, int(found))


# -- seccomp ---------------------------------------------------------------------------------------------------------

_LOAD, _JUMP_EQUAL, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_NUMBER, _AUDIT, _THIRD_ARGUMENT = 0, 4, 32
_PROT_EXEC = 4


def filter_program(machine: Architecture) -> bytes:
    """Return the filter: the architecture, then the allowed calls, then the soft refusals, then death."""

    def op(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, k)

    program = [op(_LOAD, _AUDIT), op(_JUMP_EQUAL, machine.audit, 1, 0), op(_RETURN, _KILL), op(_LOAD, _NUMBER)]
    # The x32 interface has the same audit number and other calls.
    program += [op(_JUMP_GE, 0x40000000, 0, 1), op(_RETURN, _KILL)]
    for name in ALLOWED:
        number = machine.calls.get(name)
        if number is None:
            continue
        if name in ("mmap", "mprotect"):
            program += [
                op(_JUMP_EQUAL, number, 0, 4),
                op(_LOAD, _THIRD_ARGUMENT),
                op(_JUMP_SET, _PROT_EXEC, 0, 1),
                op(_RETURN, _KILL),
                op(_RETURN, _ALLOW),
            ]
        else:
            program += [op(_JUMP_EQUAL, number, 0, 1), op(_RETURN, _ALLOW)]
    for name in DENIED_SOFTLY:
        if name in machine.calls:
            program += [op(_JUMP_EQUAL, machine.calls[name], 0, 1), op(_RETURN, _ERRNO | 1)]
    program.append(op(_RETURN, _KILL))
    return b"".join(program)


class Seccomp:
    """The compiled filter; made once in the zygote, put on in each worker."""

    def __init__(self) -> None:
        machine = architecture()
        if machine is None:
            raise LockdownFailed(f"no system call filter for {platform.machine()}")
        self._number = machine.seccomp
        self._bytes = filter_program(machine)
        self._buffer = ctypes.create_string_buffer(self._bytes, len(self._bytes))
        self._program = SockFprog(len(self._bytes) // 8, ctypes.cast(self._buffer, ctypes.c_void_p))

    def apply(self) -> None:
        """Put the filter on. It cannot be taken off."""
        done = LIBC.syscall(self._number, _SECCOMP_SET_MODE_FILTER, 0, ctypes.byref(self._program))
        if done != 0:
            raise LockdownFailed(f"seccomp: error {ctypes.get_errno()}")


# -- Landlock --------------------------------------------------------------------------------------------------------


def landlock_ruleset() -> int:
    """Return a descriptor of a rule set that handles everything and allows nothing."""
    version = landlock_version()
    if version < 1:
        raise LockdownFailed("the kernel offers no Landlock")
    files = (1 << 13) - 1
    files |= (1 << 13) if version >= 2 else 0
    files |= (1 << 14) if version >= 3 else 0
    files |= (1 << 15) if version >= 5 else 0
    network = 3 if version >= 4 else 0
    scoped = 3 if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("QQQ", files, network, scoped)[:size]
    found = LIBC.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if found < 0:
        raise LockdownFailed(f"Landlock: error {ctypes.get_errno()}")
    return int(found)


def restrict_by_landlock(ruleset: int) -> None:
    """Put the rule set on this process for ever."""
    if LIBC.syscall(_LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)) != 0:
        raise LockdownFailed(f"Landlock: error {ctypes.get_errno()}")


# -- the process -----------------------------------------------------------------------------------------------------


def die_with_parent() -> None:
    """Be killed when the process that made this one ends."""
    LIBC.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def leave_root() -> bool:
    """Become ``nobody`` if this is root. Returns whether the process is not root now."""
    if os.geteuid() != 0:
        return True
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except OSError:
        return False
    return True


def leave_namespaces() -> bool:
    """Go into empty namespaces of network, IPC and host name, where allowed. Returns whether it was."""
    if os.geteuid() == 0:
        return bool(LIBC.unshare(_CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS) == 0)
    return bool(LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWUTS) == 0)


def address_space() -> int:
    """Return the size of this process's address space in bytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def limit_resources(base: int, memory_mb: int, cpu_s: int) -> None:
    """Set the kernel's limits: memory above ``base`` bytes, CPU seconds, no files, no processes, no core."""
    total = base + (memory_mb << 20)
    for what, value in (
        (resource.RLIMIT_AS, total),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_NOFILE, 8),
    ):
        resource.setrlimit(what, (value, value))


def forbid_new_privileges() -> None:
    """Let no program give this process more rights; needed by Landlock and seccomp."""
    if LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise LockdownFailed("no_new_privs is not available")
    LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
