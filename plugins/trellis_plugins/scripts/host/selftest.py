"""The self-test: tries forbidden things in workers, all of which must fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from trellis_plugins.scripts.host.errors import WorkerLost
from trellis_plugins.scripts.host.worker import Worker
from trellis_plugins.scripts.jail.probes import PROBES

PROBE_S = 2.0
WITHOUT_LANDLOCK = frozenset({"read_file", "list_folder", "write_file"})


def examine_walls(new_worker: Callable[[], Worker], missing: Collection[str] = ()) -> Iterator[str]:
    """Yield the probes that worked. What only a ``missing`` part of the wall would stop is left out.

    A probe that kills its worker was stopped; the next one gets a new worker.
    """
    if "seccomp" in missing:
        if not _works(new_worker()):
            yield "a harmless script"
        # Without the filter of system calls nearly everything works: development mode says so in its banner.
        return
    if not _works(new_worker()):
        # Without this a worker that dies of anything at all would pass as one that stops everything.
        yield "a harmless script"
        return
    worker: Worker | None = None
    try:
        for name in PROBES:
            worker = worker or new_worker()
            try:
                answer = worker.request({"op": "probe", "name": name}, wall_s=PROBE_S)
                if answer["outcome"] != "stopped":
                    yield name
            except WorkerLost as lost:
                worker = None
                if not lost.signal:
                    yield name
    finally:
        if worker is not None:
            worker.close()


def _works(worker: Worker) -> bool:
    """Whether a worker does what it is there for."""
    try:
        message = {"op": "compile", "source": "1 + 1", "cpu_s": PROBE_S, "wall_s": PROBE_S}
        return worker.request(message, wall_s=PROBE_S)["outcome"] == "ok"
    except WorkerLost:
        return False
    finally:
        worker.close()
