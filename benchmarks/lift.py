"""Masked nearest-view search against FAISS's exhaustive search of unmasked vectors, in the same run.

    python benchmarks/lift.py [--views 1000000] [--threads 2] [--large 5000000] [--landmarks LIBRARY.npy QUERIES.npy]

Claims (README, performance table), k = 50 and k = 1: exact search under one mask at least 5 times the
queries a second of IndexFlatIP without masks; 800 masks in 2,000 queries at least as many; approximate at
least 20 times at recall@1 of at least .99. With ``--large 5000000``: searching them takes less than 2 GB and
costs at most 5.5 times the time of 1,000,000.

Views are orthographic projections, 120 of each distinct pose of built-in motions (or of the (N, 42, 3)
landmarks given); queries are perspective photos of other poses with 2 % noise. Runs of both take turns,
and the least CPU time of several counts, for other work on the machine disturbs it least.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from posecorpus.core.seeds import generator
from posecorpus.core.skeletons import LSP_14
from posecorpus.pipelines.lifting.motion_landmarks import clip_landmarks
from posecorpus.pseudogt.library.heading import torso_centred
from posecorpus.pseudogt.library.store import ClipEntry, PoseLibrary
from posecorpus.pseudogt.library.views import spread_views
from posecorpus.pseudogt.lift.simulate import Condition, simulate
from posecorpus.pseudogt.search.index import ViewIndex
from posecorpus.pseudogt.search.of_library import library_index
from posecorpus.synth.bodies.model import load_body
from posecorpus.synth.builtin import builtin_clip

VIEWS_OF_POSE = 120
QUERIES, MASKS, FAISS_QUERIES = 2000, 800, 400
EVERY = 3
"""Frames from one pose to the next, at 30 a second."""

Floats = NDArray[np.floating]


def builtin_landmarks(count: int, seed: int) -> Floats:
    """(count, 42, 3) of built-in motions."""
    body, parts, found, index = load_body("open", "neutral"), [], 0, 0
    while found < count:
        parts.append(clip_landmarks(builtin_clip(index, seed), body)[::EVERY])
        found, index = found + len(parts[-1]), index + 1
    return np.concatenate(parts)[:count]


def make_library(landmarks: Floats, views: int, folder: Path) -> PoseLibrary:
    """A library of that many views at least."""
    count = -(-views // VIEWS_OF_POSE)
    picked = np.resize(generator(0, "poses").permutation(len(landmarks)), count)
    azimuth, elevation = spread_views(count, VIEWS_OF_POSE, (-20, 40), 0)
    zeros = np.zeros(count, np.int32)
    return PoseLibrary(
        folder,
        torso_centred(landmarks[picked]).astype(np.float32),
        azimuth,
        elevation,
        zeros,
        zeros,
        zeros.astype(np.bool_),
        (ClipEntry("", "", "", ""),),
    )


def make_masks() -> NDArray[np.bool_]:
    """(MASKS, 14) different ones with 1 to 6 joints missing."""
    rng = generator(0, "masks")
    found: dict[bytes, NDArray[np.bool_]] = {}
    while len(found) < MASKS:
        mask = np.ones(14, np.bool_)
        mask[rng.permutation(14)[: rng.integers(1, 7)]] = False
        found[mask.tobytes()] = mask
    return np.array(list(found.values()))


def make_queries(landmarks: Floats) -> dict[str, Floats]:
    """(QUERIES, 14, 2) pixels by kind of mask."""
    rng = generator(0, "queries")
    picked = landmarks[rng.integers(0, len(landmarks), QUERIES)]
    poses = simulate(picked, LSP_14, Condition(noise=0.02), rng).joints2d
    ankles, many = poses.copy(), poses.copy()
    ankles[:, LSP_14.indices("l_ankle", "r_ankle")] = np.nan
    many[~make_masks()[np.arange(QUERIES) % MASKS]] = np.nan
    return {"all joints": poses, "ankles missing": ankles, f"{MASKS} masks": many}


def unit_vectors(points: Floats) -> NDArray[np.float32]:
    """(N, 28) float32 centred and normalised."""
    result = np.empty((len(points), points.shape[1] * 2), np.float32)
    for start in range(0, len(points), 1 << 16):
        part = np.asarray(points[start : start + (1 << 16)], np.float64)
        part = (part - part.mean(1, keepdims=True)).reshape(len(part), -1)
        result[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return result


def measure(runs: dict[str, Callable[[], int]], repeats: int) -> dict[str, tuple[float, float]]:
    """Least CPU and wall milliseconds a query of each; a run gives how many queries it answered."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            cpu, wall = time.process_time(), time.perf_counter()
            count = run()
            used = time.process_time() - cpu, time.perf_counter() - wall
            spent[name].append((1e3 * used[0] / count, 1e3 * used[1] / count))
    return {name: (min(c for c, _ in times), min(w for _, w in times)) for name, times in spent.items()}


def search(index: ViewIndex, poses: Floats, k: int, threads: int, *, approximate: bool = False) -> int:
    """Search, and give the number of queries."""
    index.search(poses, k, approximate=approximate, threads=threads)
    return len(poses)


def flat_search(flat: faiss.IndexFlatIP, vectors: Floats, k: int) -> int:
    """Search with FAISS, and give the number of queries."""
    flat.search(vectors, k)
    return len(vectors)


def compare(index: ViewIndex, queries: dict[str, Floats], threads: int, repeats: int) -> None:
    """Print our times beside FAISS's, and recalls of the approximate mode."""
    faiss.omp_set_num_threads(threads)
    flat = faiss.IndexFlatIP(2 * len(LSP_14))
    flat.add(unit_vectors(index._tree.views))
    whole = unit_vectors(queries["all joints"][:FAISS_QUERIES])
    for k in (1, 50):
        runs: dict[str, Callable[[], int]] = {"IndexFlatIP": partial(flat_search, flat, whole, k)}
        for name, poses in queries.items():
            runs[name] = partial(search, index, poses, k, threads)
            runs[f"{name}, approximate"] = partial(search, index, poses, k, threads, approximate=True)
        times = measure(runs, repeats)
        flat_cpu, flat_wall = times["IndexFlatIP"]
        for name, (cpu, wall) in times.items():
            text = f"k {k:2d}  {name:28s} {cpu:7.3f} ms CPU  {1e3 / wall:7.0f} queries/s"
            text += f"   x {flat_cpu / cpu:5.1f} by CPU, {flat_wall / wall:5.1f} by clock"
            if name.endswith("approximate"):
                text += f"   {recalls(index, queries[name.removesuffix(', approximate')], k, threads)}"
            print(text, flush=True)


def recalls(index: ViewIndex, poses: Floats, k: int, threads: int) -> str:
    """How many of the k nearest, and how often the nearest, the approximate mode finds."""
    exact = index.search(poses, k, threads=threads)
    found = index.search(poses, k, approximate=True, threads=threads)
    first = (found.distances[:, 0] <= exact.distances[:, 0]).mean()
    return f"recall@1 {first:.4f}, of the {k} {(found.distances <= exact.distances[:, -1:]).mean():.4f}"


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build_apart(landmarks: Floats, views: int, folder: Path, threads: int) -> None:
    """Make and keep an index; to be run in a process of its own, so that its memory is its own."""
    library = make_library(landmarks, views, folder)
    before, start, wall = peak_mb(), time.process_time(), time.perf_counter()
    library_index(library, LSP_14, threads=threads)
    text = f"{time.process_time() - start:.0f} s CPU, {time.perf_counter() - wall:.0f} s"
    print(
        f"index of {views} views built in {text}, peak {peak_mb():.0f} MB ({before:.0f} MB before)",
        flush=True,
    )


def search_apart(folder: Path, poses: Floats, threads: int) -> None:
    """Say how much memory a process needs that opens an index and searches it."""
    before = peak_mb()
    index = ViewIndex.open(folder)
    index.search(poses, 50, threads=threads)
    print(f"searching {len(index)} views: peak {peak_mb():.0f} MB ({before:.0f} MB before)", flush=True)


def apart(work: Callable[..., None], *arguments: object) -> None:
    """Run in a fresh process."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} failed")


def grow(small: ViewIndex, large: ViewIndex, queries: dict[str, Floats], threads: int, repeats: int) -> None:
    """Print what the larger index costs against the smaller."""
    for name, poses in queries.items():
        runs: dict[str, Callable[[], int]] = {
            "small": partial(search, small, poses, 50, threads),
            "large": partial(search, large, poses, 50, threads),
        }
        times = measure(runs, repeats)
        ratio = times["large"][0] / times["small"][0]
        text = f"{times['small'][0]:.3f} and {times['large'][0]:.3f} ms CPU a query"
        print(f"{name}, k 50: {text}, {len(large) / len(small):.1f} times the views cost {ratio:.2f} times")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, help="also measure memory and growth with as many views")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--landmarks", type=Path, nargs=2, help=".npy files of (N, 42, 3) metres, Y up")
    args = parser.parse_args()
    if args.landmarks:
        poses, others = (np.load(path) for path in args.landmarks)
    else:
        most = max(args.views, args.large or 0)
        poses, others = builtin_landmarks(-(-most // VIEWS_OF_POSE), 0), builtin_landmarks(QUERIES, 1)
    queries = make_queries(others)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {views: Path(scratch) / str(views) for views in (args.views, args.large) if views}
        for views, folder in folders.items():
            apart(build_apart, poses, views, folder, args.threads)
            apart(search_apart, folder / f"index-{LSP_14.name}", queries["all joints"], args.threads)
        indices = [ViewIndex.open(folder / f"index-{LSP_14.name}") for folder in folders.values()]
        if args.large:
            grow(indices[0], indices[-1], queries, args.threads, args.repeats)
        compare(indices[0], queries, args.threads, args.repeats)


if __name__ == "__main__":
    main()
