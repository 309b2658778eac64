"""The shelf: packs that can be installed here, shipped ones and uploaded archives, and the keys that are trusted."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trellis.packs import archive
from trellis.packs.folders import UnknownPack, find_packs
from trellis.packs.ranges import parse_version
from trellis.packs.signing import TrustList, load_key, sign
from trellis.packs.source import PackSource, read_pack, refuse_misshapen
from trellis_metadata.diagnostics import did_you_mean

if TYPE_CHECKING:
    from trellis.tenant import Tenant


class Shelf:
    """The packs of one home folder: those shipped with Trellis, and archives that were put there."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "packs"

    @classmethod
    def of(cls, tenant: Tenant) -> Shelf:
        """Return the shelf of a tenant's home folder."""
        return cls(tenant.files.parent.parent)

    @property
    def trust_file(self) -> Path:
        """Where the trusted keys are."""
        return self.folder / "trust.json"

    @property
    def trust(self) -> TrustList:
        """The trusted keys."""
        return TrustList.read(self.trust_file)

    def put(self, file: Path) -> archive.Archive:
        """Verify an archive and keep it. Raises :class:`HostileArchive` or :class:`BadSignature`."""
        found = archive.read(file, self.trust)
        with opened(found) as source:
            refuse_misshapen(source)
            place = self.folder / f"{source.name}-{source.version}{archive.SUFFIX}"
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            shutil.copyfile(file, part)
            part.replace(place)
        return found

    def archives(self) -> dict[str, list[Path]]:
        """Return the kept archives by pack, newest version first."""
        found: dict[str, list[tuple[object, Path]]] = {}
        for file in sorted(self.folder.glob(f"*{archive.SUFFIX}")) if self.folder.is_dir() else ():
            name, _, version = file.name.removesuffix(archive.SUFFIX).partition("-")
            # A file that no upload put there under its name is not looked at.
            with suppress(ValueError):
                found.setdefault(name, []).append((parse_version(version), file))
        return {name: [f for _, f in sorted(files, reverse=True)] for name, files in found.items() if files}

    def names(self) -> list[str]:
        """Return the names of all packs on the shelf."""
        return sorted({*find_packs(), *self.archives()})

    @contextmanager
    def source(self, name: str, version: str | None = None) -> Iterator[PackSource]:
        """Yield a pack, its newest version unless one is named. Raises :class:`UnknownPack`.

        A kept archive is verified again each time: the trust list may have changed.
        """
        shipped = find_packs()
        candidates = [read_pack(shipped[name])] if name in shipped else []
        for file in self.archives().get(name, ()):
            found = archive.read(file, self.trust)
            candidates.append(PackSource({"name": name, "version": found.version}, (), (), (), (), file))
        fitting = [c for c in candidates if version in (None, c.version)]
        if not fitting:
            what = f"pack '{name[:80]}'" + (f" in version {version[:40]}" if version and candidates else "")
            raise UnknownPack(f"There is no {what}.{did_you_mean(name, self.names())}")
        best = max(fitting, key=lambda c: parse_version(c.version))
        if best.folder is not None and best.folder.is_file():
            with opened(archive.read(best.folder, self.trust)) as source:
                yield source
        else:
            yield best


@contextmanager
def opened(found: archive.Archive) -> Iterator[PackSource]:
    """Yield the pack of a verified archive from a folder that lasts as long as the block."""
    with tempfile.TemporaryDirectory(prefix="trellis-pack-") as folder:
        yield found.unpack(Path(folder))


@contextmanager
def source_at(path: Path, trust: TrustList | None = None) -> Iterator[PackSource]:
    """Yield the pack in a folder or an archive."""
    if path.is_dir():
        yield read_pack(path)
        return
    with opened(archive.read(path, trust)) as source:
        yield source


def sign_archive(file: Path, key_file: Path) -> str:
    """Sign an archive in place and return the public key; an earlier signature is replaced."""
    found = archive.read(file)
    key = load_key(key_file)
    manifest = archive.manifest_bytes(file)
    signature = sign(manifest, key)
    text = json.dumps(signature.to_json(), indent=1, sort_keys=True).encode() + b"\n"
    archive.write(file, {archive.MANIFEST: manifest, archive.SIGNATURE: text, **found.files})
    return signature.key
