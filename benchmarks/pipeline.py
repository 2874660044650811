"""End to end: what a sample costs from motion to disk, what a worker needs, what a second worker brings.

Claims (README, performance table): at most 12 ms CPU a sample at 320x240 with one person and all labels;
a worker under 700 MB; two workers at least 1.8 times one.

    python benchmarks/pipeline.py [--samples 3000] [--repeats 3] [-- more options of synth]

Stills are the dear case: each has a new person, new clothes and a new room. In clips of 60 frames these are
shared, as in SURREAL.

The cost of a sample is the slope between a short and a long run (CPU time, children included), so that
start-up (imports, compiled kernels, motions), printed beside it, is not counted as rendering. Speed-up is wall time
of the whole command, start-up included.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    cpu_s: float
    wall_s: float
    peak_mb: float
    size_kb: float


STILLS, CLIPS = 1, 60


def synth(samples: int, frames: int, workers: int, extra: list[str]) -> Run:
    """One run of the command in a fresh process; the peak is the largest process of its tree."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "corpus"
        command = [sys.executable, "-m", "posecorpus.pipelines.cli", "synth", str(out)]
        amount = ["--samples", str(samples)] if frames == STILLS else ["--clips", str(samples // frames)]
        command += [*amount, *(["--frames", str(frames)] if frames > 1 else [])]
        command += ["--workers", str(workers), *extra]
        # The peak of finished children never goes down, so each run is measured from a child of its own.
        pid = os.fork()
        if pid == 0:
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115
            start = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            wall = time.perf_counter() - start
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = usage.ru_utime + usage.ru_stime
            Path(folder, "result").write_text(
                f"{cpu} {wall} {usage.ru_maxrss / 1024} {done.returncode}\n{done.stderr}"
            )
            os._exit(0)
        os.waitpid(pid, 0)
        first, _, errors = Path(folder, "result").read_text().partition("\n")
        cpu, wall, peak, code = map(float, first.split())
        if code:
            sys.exit(errors)
        size = sum(f.stat().st_size for f in out.glob("*.parquet")) / samples / 1024
        shutil.rmtree(out)
    return Run(cpu, wall, peak, size)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("rest", nargs="*", help="more options of synth, after --")
    arguments = parser.parse_args()
    samples, repeats, rest = arguments.samples, arguments.repeats, arguments.rest

    def several(count: int, frames: int, workers: int) -> list[Run]:
        return [synth(count, frames, workers, rest) for _ in range(repeats)]

    synth(16, STILLS, 1, rest)  # compiles the kernels if nobody has
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    ones: list[Run] = []
    for name, frames in (("clips", CLIPS), ("stills", STILLS)):
        long = samples // frames * frames
        short = long // 10 // frames * frames
        shorts, ones = several(short, frames, 1), several(long, frames, 1)
        low, high = (statistics.median(run.cpu_s for run in runs) for runs in (shorts, ones))
        slope = (high - low) / (long - short)
        print(
            f"{name}: {1000 * slope:.2f} ms CPU a sample, {ones[0].size_kb:.0f} kB on disk (claim: at most 12 ms)"
        )
    twos = several(samples, STILLS, 2)
    wall = [statistics.median(run.wall_s for run in runs) for runs in (ones, twos)]
    print(f"start-up: {low - short * slope:.1f} s CPU")
    print(f"largest process: {max(run.peak_mb for run in ones + twos):.0f} MB (claim: under 700 MB)")
    print(
        f"two workers: {wall[0] / wall[1]:.2f} x one, {samples / wall[1]:.0f} samples/s (claim: at least 1.8)"
    )


if __name__ == "__main__":
    main()
