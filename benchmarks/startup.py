"""How soon ``posecorpus --help`` answers: wall and CPU time of whole processes, beside an empty Python's.

python benchmarks/startup.py
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 15


def measure(command: list[str]) -> tuple[float, float]:
    """Median wall and CPU seconds of a process, after one run that fills the file cache."""
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall, cpu = [], []
    for _ in range(RUNS):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        wall.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(wall), statistics.median(cpu)


def main() -> None:
    """Print one line per command."""
    commands = {
        "posecorpus --help": [str(Path(sys.executable).with_name("posecorpus")), "--help"],
        "posecorpus synth --help": [str(Path(sys.executable).with_name("posecorpus")), "synth", "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    for name, command in commands.items():
        wall, cpu = measure(command)
        print(f"{name:24} {1000 * wall:5.0f} ms wall, {1000 * cpu:5.0f} ms CPU (median of {RUNS})")


if __name__ == "__main__":
    main()
