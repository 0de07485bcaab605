"""The same work on CPython's own pools, two workers each, by defaults: fork on Linux, chunks as they come.

    python3 benchmarks/python/pools.py [--only=text,text] [--quick] [--into=file]

Prints JSON as main.ts --json does. Where CPython is so slow that the full count would take minutes, it runs
fewer; the tables scale.
"""
import array
import hashlib
import json
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import Pool

WORKERS = 2
HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = os.path.join(HERE, "..", "..", "node_modules", "an-array-of-english-words", "index.json")
NESTED = {"user": {"name": "Ada Lovelace", "tags": ["admin", "author"]}, "size": {"width": 3, "height": 4.5}}


def identity(value):
    return value


def ends(values):
    return values[0] + values[-1]


def spin(rounds):
    state = 1
    for _ in range(rounds):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
    return state


def nap_or_spin(seconds, rounds):
    if seconds == 0:
        return spin(rounds)
    time.sleep(seconds)
    return 0


def hash_word(word):
    return hashlib.sha512(word.encode()).hexdigest()


def hash_word_ten_times(word):
    for _ in range(10):
        word = hashlib.sha512(word.encode()).hexdigest()
    return word


def rounds_of(microseconds):
    best = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        spin(20_000)
        best = min(best, time.perf_counter() - start)
    return round(20_000 * microseconds / (best * 1e6))


class Futures:
    """A `ProcessPoolExecutor`."""

    name = "ProcessPoolExecutor"

    def __init__(self, workers=WORKERS):
        self.pool = ProcessPoolExecutor(workers)

    def flood(self, function, rows):
        return [future.result() for future in [self.pool.submit(function, *row) for row in rows]]

    def map(self, function, *items):
        return list(self.pool.map(function, *items))

    def close(self):
        self.pool.shutdown()


class Pools:
    """A `multiprocessing.Pool`."""

    name = "Pool"

    def __init__(self, workers=WORKERS):
        self.pool = Pool(workers)

    def flood(self, function, rows):
        return [result.get() for result in [self.pool.apply_async(function, row) for row in rows]]

    def map(self, function, *items):
        if len(items) == 1:
            return self.pool.map(function, items[0])
        return self.pool.starmap(function, zip(*items))

    def close(self):
        self.pool.close()
        self.pool.join()


def milliseconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return (time.perf_counter() - start) * 1e3


def on_pools(run, rounds):
    """Times of a run on a pool of each class, whose workers have started."""
    times = {}
    for kind in (Futures, Pools):
        pool = kind()
        pool.flood(time.sleep, [(0.001,)] * WORKERS)
        times[kind.name] = [milliseconds(run, pool) for _ in range(rounds)]
        pool.close()
    return times


def middle_of(times, repeated):
    """The time of one of several equal things that a run does."""
    return {name: [each / repeated for each in all] for name, all in times.items()}


def flood(value, rounds=2):
    def measure(count, quick):
        rows = [(value(index),) for index in range(count)]
        return on_pools(lambda pool: pool.flood(identity, rows), 1 if quick else rounds)

    return measure


def map_ints(count, quick):
    """`ProcessPoolExecutor.map` sends one item at a time by default: it gets a thirtieth, and its time is taken thirtyfold."""
    times = on_pools(lambda pool: pool.map(identity, range(count if pool.name == "Pool" else count // 30)), 1 if quick else 2)
    return {name: [each * (1 if name == "Pool" else 30) for each in all] for name, all in times.items()}


def round_trip(count, quick):
    repeated = 20 if quick else 2000

    def run(pool):
        for _ in range(repeated):
            pool.flood(identity, [(1,)])

    return middle_of(on_pools(run, 1 if quick else 3), repeated)


def large(count, quick):
    values = array.array("d", [0.5]) * (count // 8)
    return on_pools(lambda pool: pool.flood(ends, [(values,)]), 1 if quick else 9)


def first_result(count, quick):
    times = {}
    for kind in (Futures, Pools):
        times[kind.name] = []
        for _ in range(1 if quick else 15):
            start = time.perf_counter()
            pool = kind(1)
            pool.flood(identity, [(1,)])
            times[kind.name].append((time.perf_counter() - start) * 1e3)
            pool.close()
    return times


def cpu(microseconds, way):
    def measure(count, quick):
        rounds = [rounds_of(microseconds)] * count

        def run(pool):
            if way == "map":
                pool.map(spin, rounds)
            else:
                pool.flood(spin, [(each,) for each in rounds])

        serial = [milliseconds(lambda: [spin(each) for each in rounds]) for _ in range(1 if quick else 2)]
        return {"serial": serial, **on_pools(run, 1 if quick else 2)}

    return measure


def mixed(way):
    def measure(count, quick):
        calls = [(0, rounds_of(10))] * count
        for index in range(4):
            calls[round(index * (count - 1) / 3)] = (0.02 if quick else 1, 0)

        def run(pool):
            if way == "map":
                pool.map(nap_or_spin, [nap for nap, _ in calls], [rounds for _, rounds in calls])
            else:
                pool.flood(nap_or_spin, calls)

        return on_pools(run, 1)

    return measure


def hashing(function):
    def measure(count, quick):
        with open(WORDS, encoding="utf-8") as file:
            words = json.load(file)[:count]

        def on(kind):
            pool = kind()
            pool.map(function, words)
            pool.close()

        times = {kind.name: [milliseconds(on, kind)] for kind in (Futures, Pools)}
        return {"serial": [milliseconds(lambda: list(map(function, words)))], **times}

    return measure


# Name, full and short count, unit, what measures it: the names of main.ts.
ROWS = [
    ("flood of `submit(f, int)`", 30_000, 500, "calls", flood(lambda index: index)),
    ("flood of a small nested object", 30_000, 500, "calls", flood(lambda index: {"id": index, **NESTED})),
    ("`map` of ints, `toArray()`", 1_000_000, 1000, "items", map_ints),
    ("pending at once", 60_000, 500, "calls", flood(lambda index: index, 1)),
    ("round trip", 1, 1, "call", round_trip),
    ("Float64Array in, number out, copied", 8 << 20, 1 << 20, "bytes", large),
    ("first result of a new pool", 1, 1, "call", first_result),
    ("CPU tasks of 0.5 ms, `map`", 1000, 20, "calls", cpu(500, "map")),
    ("CPU tasks of 0.5 ms, `submit`", 1000, 20, "calls", cpu(500, "submit")),
    ("CPU tasks of 20 µs, `map`", 25_000, 200, "calls", cpu(20, "map")),
    ("CPU tasks of 20 µs, `submit`", 25_000, 200, "calls", cpu(20, "submit")),
    ("calls of 1 s and 10 µs mixed, `map`", 4000, 100, "calls", mixed("map")),
    ("calls of 1 s and 10 µs mixed, `submit`", 4000, 100, "calls", mixed("submit")),
    ("hash_words, one round", 55_000, 500, "words", hashing(hash_word)),
    ("hash_words, ten rounds", 55_000, 500, "words", hashing(hash_word_ten_times)),
]


def main(words):
    flags = dict(word.removeprefix("--").partition("=")[::2] for word in words)
    only = flags.get("only", "").split(",")
    quick = "quick" in flags
    rows = {}
    for name, count, short, unit, measure in ROWS:
        if any(text in name for text in only):
            count = short if quick else count
            times = measure(count, quick)
            rounded = {by: [float(f"{each:.4g}") for each in all] for by, all in times.items()}
            rows[name] = {"count": count, "unit": unit, "times": rounded}
    results = {"host": f"CPython {platform.python_version()}", "date": str(date.today()), "rows": rows}
    if "into" not in flags:
        print(json.dumps(results, indent=2, ensure_ascii=False))
        return
    if os.path.exists(flags["into"]):
        with open(flags["into"], encoding="utf-8") as file:
            results["rows"] = {**json.load(file)["rows"], **rows}
    with open(flags["into"], "w", encoding="utf-8") as file:
        file.write(json.dumps(results, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
