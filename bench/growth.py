"""Does the data path grow with metadata? ``python bench/growth.py``: reading a record among 10, 100 and 1,000 objects.

Also measures publishing 1,000 objects of 50 fields at once, and adding one field to one of them. In process, CPU time,
the sizes in turn; the ratios are what counts.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from trellis.access import Cause
from trellis.access.accounts import create_token, create_user
from trellis.access.principal import SYSTEM
from trellis.app import create_app
from trellis.record_id import format_id
from trellis.runtime import Runtime

SIZES = (10, 100, 1000)
REQUESTS = 300


def document(number: int, fields: int) -> dict:
    names = [{"name": "name", "type": "text"}, *({"name": f"field_{i}", "type": "text"} for i in range(fields - 1))]
    return {"kind": "object", "name": f"thing_{number}", "label": f"Thing {number}", "fields": names}


def prepare(folder: Path, objects: int, fields: int) -> tuple[Runtime, object, dict, str, float]:
    runtime = Runtime(folder)
    tenant = runtime.create_tenant("bench")
    user = create_user(tenant, login="bench", name="Bench", password="four quiet horses", admin=True)
    started = time.process_time()
    tenant.publisher.apply(tenant.publisher.plan_documents([document(i, fields) for i in range(objects)]))
    published = time.process_time() - started
    made = tenant.run(SYSTEM, Cause("bench"), lambda tx: tx.create("thing_1", [{"name": "x"}])[0])
    headers = {"Authorization": f"Bearer {create_token(tenant, user, 'bench')}"}
    path = f"/api/v1/records/thing_1/{format_id('thing_1', made.id)}"
    return runtime, create_app(runtime).test_client(), headers, path, published


def read(client: object, headers: dict, path: str) -> float:
    started = time.process_time()
    for _ in range(REQUESTS):
        assert client.get(path, headers=headers).status_code == 200
    return (time.process_time() - started) / REQUESTS


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sides = {n: prepare(Path(folder) / str(n), n, 10) for n in SIZES}
        times: dict[int, list[float]] = {n: [] for n in SIZES}
        for _ in range(7):
            for n, (_, client, headers, path, _published) in sides.items():
                times[n].append(read(client, headers, path))
        base = statistics.median(times[SIZES[0]])
        for n in SIZES:
            own = statistics.median(times[n])
            print(
                f"W2 among {n:5} objects  {own * 1000:.3f} ms CPU  {own / base:.2f}×   published in {sides[n][4]:.2f} s CPU"
            )
        if "--large" in sys.argv:
            runtime, *_, published = prepare(Path(folder) / "large", 1000, 50)
            tenant = runtime.tenant("bench")
            wider = document(1, 50)
            wider["fields"] = [*wider["fields"], {"name": "extra", "type": "text"}]
            started = time.process_time()
            tenant.publisher.apply(tenant.publisher.plan_documents([wider]))
            added = time.process_time() - started
            print(f"1,000 objects × 50 fields published in {published:.1f} s CPU; one more field in {added:.2f} s CPU")


if __name__ == "__main__":
    main()
