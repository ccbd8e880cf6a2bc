"""Runs one command and says what it took: python -I -S bench/started.py [--until TEXT] COMMAND…

A process counts the memory of whoever started it as its own, so this one stays as small as Python can be. Prints
seconds, CPU seconds and ru_maxrss. With --until the command is ended (SIGTERM) once a line that it prints has the text.
"""

import os
import signal
import sys
import time


def main() -> None:
    arguments = sys.argv[1:]
    until = arguments[1].encode() if arguments[0] == "--until" else None
    command = arguments[2:] if until else arguments
    reading, writing = os.pipe()
    began = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    wall, said = None, b""
    while part := os.read(reading, 65536):
        said += part
        if until and wall is None and until in said:
            wall = time.perf_counter() - began
            os.kill(pid, signal.SIGTERM)
    _, status, usage = os.wait4(pid, 0)
    ended = time.perf_counter() - began
    if status or (until and wall is None):
        sys.exit(f"{command} ended with {status}, having said {said!r}")
    print(wall or ended, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


main()
