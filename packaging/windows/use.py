#!/usr/bin/env python3
"""Uses the Windows program as an administrator does, on Windows or under wine.

    use.py PROGRAM               on Windows
    use.py --wine WINE PROGRAM   with wine, in the prefix of WINEPREFIX

It believes the simulated cluster's own record of what phones show. Ctrl-Break is tried on Windows only: wine has no way to send it
from outside.
"""

import argparse
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ODD_NAMES = "Bilder für Straße 北"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--wine")
    arguments.add_argument("program", type=Path)
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder) / ODD_NAMES
        folder.mkdir()
        program = Program(arguments.program.resolve(), arguments.wine, folder)
        for check in (versions, models, demo, folders, rollout, interrupted, killed, console):
            began = time.monotonic()
            check(program)
            print(f"windows: {check.__name__} ({time.monotonic() - began:.0f} s)", flush=True)


class Program:
    """The program with a home of its own."""

    def __init__(self, path, wine, folder):
        self.command = [wine, str(path)]
        self.command = [part for part in self.command if part]
        self.wine, self.folder = wine, folder
        self.environment = dict(os.environ, WINEDEBUG="-all")
        for name in [name for name in self.environment if name.startswith(("AXLPAPER_", "CUCM_", "PHONE_"))]:
            del self.environment[name]
        if not wine:
            for name in ("APPDATA", "LOCALAPPDATA", "USERPROFILE"):
                self.environment[name] = str(folder / name.lower())
                (folder / name.lower()).mkdir(exist_ok=True)

    def start(self, *arguments, env=None, **options):
        environment = dict(self.environment, **(env or {}))
        return subprocess.Popen(
            [*self.command, *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=self.folder, env=environment, text=True, encoding="utf-8", **options,
        )

    def run(self, *arguments, env=None, expect=0):
        process = self.start(*arguments, env=env)
        try:
            output, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            fail(f"{arguments} did not end in {LIMIT} s", output)
        if process.returncode != expect:
            fail(f"{arguments} ended with {process.returncode}, not {expect}", output)
        return output


class Simulator:
    """A simulated cluster: another process of the program."""

    def __init__(self, program, phones):
        self.program = program
        self.record = program.folder / f"record-{time.monotonic_ns()}.jsonl"
        self.process = program.start("sim", "--port", "0", "--phones", phones, "--record", self.record.name)
        self.arguments, self.env, told = [], {}, ""
        for line in self.process.stdout:
            told += line
            for name, value in re.findall(r"(\w+_\w+)=(\S+)", line):
                self.env[name] = value
            found = re.search(r"rollout PICTURE (--pin-sha256 \S+ --phone-port \d+)", line)
            if found:
                self.arguments = found.group(1).split()
                break
        else:
            fail("the simulator did not start", told)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def events(self):
        text = self.record.read_text(encoding="utf-8") if self.record.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def downloads(self):
        """The phones that downloaded a picture, each as often as it did."""
        return [event["phone"] for event in self.events() if event["kind"] == "push" and event.get("shows")]


def versions(program):
    text = program.run("--version", "--verbose")
    expect("target: x86_64-pc-windows-" in text and "Credential Manager" in text, "the version", text)


def models(program):
    document = json.loads(program.run("models", "--json"))
    expect(len(document["models"]) > 20, "the models", document)


def demo(program):
    text = program.run("demo", "--phones", "30", "--limits", "off")
    expect("verified" in text, "the demo", text)


def folders(program):
    """Config file and journal are where Windows has them, and nothing gives advice for Unix."""
    text = program.run("init", "--host", "cucm.example.com", "--username", "axl")
    expect(re.search(r"AppData.Roaming|appdata", text), "the place of the config file", text)
    config = program.run("init", "--print")
    refused = program.run("show", "1", env={"AXLPAPER_STATE": r"C:\nowhere\journal.sqlite3"}, expect=2)
    for advice in ("chmod", "sudo", "systemctl", "kill -"):
        expect(advice not in text + config + refused, f"no advice to use {advice}", text + config + refused)


def rollout(program):
    picture = write_picture(program.folder / "Hintergrund ä.png")
    with Simulator(program, 40) as simulator:
        program.run("rollout", picture.name, *simulator.arguments, "--yes", env=simulator.env, expect=3)
        shown = json.loads(program.run("show", "last", "--json"))
        verified = {phone["name"] for phone in shown["phones"] if phone["outcome"] == "verified"}
        expect(verified and verified <= set(simulator.downloads()), "verified phones downloaded it", sorted(verified))


def interrupted(program):
    """Ctrl-Break ends a rollout that can be resumed."""
    if program.wine:
        return
    picture = write_picture(program.folder / "break.png")
    with Simulator(program, 60) as simulator:
        slow = ("rollout", picture.name, *simulator.arguments, "--yes", "--rate", "2")
        process = program.start(*slow, env=simulator.env, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP)
        wait_until(lambda: len(simulator.downloads()) >= 3, "three downloads")
        process.send_signal(signal.CTRL_BREAK_EVENT)
        output, _ = process.communicate(timeout=LIMIT)
        expect(process.returncode == 130 and "--resume" in output, "an interrupted rollout", output)


def killed(program):
    """A rollout that was killed is resumed, and no phone is pushed to again that was proven."""
    picture = write_picture(program.folder / "kill.png")
    with Simulator(program, 60) as simulator:
        slow = ("rollout", picture.name, *simulator.arguments, "--yes", "--rate", "5")
        process = program.start(*slow, env=simulator.env)
        wait_until(lambda: len(simulator.downloads()) >= 5, "five downloads")
        process.kill()
        process.communicate()
        run = json.loads(program.run("runs", "--json"))["runs"][0]
        expect(run["state"] == "killed", "the state of the run", run)
        before = json.loads(program.run("show", run["run"], "--json"))["phones"]
        proven = {phone["name"] for phone in before if phone["outcome"] == "verified"}
        program.run("rollout", "--resume", run["run"], *simulator.arguments, "--yes", env=simulator.env, expect=3)
        after = simulator.downloads()
        twice = [name for name in proven if after.count(name) > 1]
        expect(proven and not twice and len(set(after)) > len(proven), "the resumed rollout", twice)


def console(program):
    process = program.start("console", "--listen", "127.0.0.1:0")
    try:
        for line in process.stdout:
            address = re.search(r"http://\S+token=\S+", line)
            if address:
                break
        else:
            fail("the console did not start")
        jar = program.folder / "cookies"
        curl = ["curl", "--silent", "--show-error", "--cookie-jar", jar, "--cookie", jar]
        overview = address.group().split("/login")[0] + "/"
        for page in (address.group(), overview):
            answer = subprocess.run([*curl, page], capture_output=True, timeout=LIMIT, check=True)
        text = answer.stdout.decode()
        expect("<h1>" in text and "Log out" in text, "the console's overview", text)
    finally:
        process.kill()
        process.communicate()


def write_picture(path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width, height = 800, 480
    rows = b"".join(b"\0" + bytes([20, 40, 90]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def wait_until(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            fail(f"{what} did not come in {LIMIT} s")
        time.sleep(0.1)


def expect(condition, what, found):
    if not condition:
        fail(what, found)


def fail(what, output=""):
    print(f"windows: wrong: {what}\n{output}", file=sys.stderr)
    sys.exit(1)


LIMIT = 180

if __name__ == "__main__":
    main()
