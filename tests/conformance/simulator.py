"""Starts `axlpaper sim` and tells how to reach it."""

import contextlib
import pathlib
import re
import subprocess
import tempfile


@contextlib.contextmanager
def running(program, *arguments):
    """Runs the simulator; gives its host, port, user, password and CA file; stops it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        ca = pathlib.Path(folder) / "ca.pem"
        command = [program, "sim", "--ca-out", str(ca), *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield {**parse(process.stdout), "ca": str(ca)}
            finally:
                process.terminate()


def parse(lines):
    """Reads the simulator's own words until they have told everything."""
    found = {}
    for line in lines:
        for name, value in re.findall(r"\b(CUCM_[A-Z]+)=(\S+)", line):
            found[name] = value
        if len(found) == 3:
            host, _, port = found["CUCM_HOST"].partition(":")
            return {
                "host": host,
                "port": int(port or 8443),
                "username": found["CUCM_USERNAME"],
                "password": found["CUCM_PASSWORD"],
            }
    raise RuntimeError("the simulator ended before it said where it listens")
