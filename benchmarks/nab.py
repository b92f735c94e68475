"""How many labelled anomalies do our series find, beside published detectors?

    python -m benchmarks.nab FOLDER

FOLDER has the ten series `Twitter_volume_*.csv` of the Numenta Anomaly Benchmark (realTweets), and `windows.json` with
their 33 labelled windows. Each series is the mean of every hour, as log1p. It is fitted once, on the first two weeks,
and every hour is judged by the hours before it alone; within those two weeks, the parameters know what comes. A window
is found if one hour in it is an anomaly; the other anomalies are false alarms, by hours. The first 750 values of a
series count for nothing, as in NAB.

The figures of the other detectors come from their published results in the same way. It is no NAB score: their
thresholds were chosen for 5-minute values, and ours were made for shares and not for volumes.
"""

import argparse
import csv
import json
import math
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from hate_speech_ai import series

#: Windows found of 33, and hours of alarm outside all windows.
PUBLISHED = {
    "ARTime": (25, 59),
    "Twitter ADVec": (23, 107),
    "windowed Gaussian": (23, 122),
    "Etsy Skyline": (23, 158),
    "Numenta HTM": (19, 54),
}
LEARNED = 2 * series.WEEK
PROBATION = timedelta(minutes=5 * 750)
HOUR = timedelta(hours=1)
#: By the name of a series, from when to when.
Windows = dict[str, list[list[str]]]
#: Errors that make a deviation.
FEWEST = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--z", type=float, action="append", help="of an anomaly (ours, and 3, 3.5 and 5)")
    options = parser.parse_args()
    windows = json.loads((options.folder / "windows.json").read_text())
    series.LEAST_HOURS = LEARNED  # the service waits for four weeks; these series have eight in all
    distances = {}
    for path in sorted(options.folder.glob("Twitter_volume_*.csv")):
        hours, values = read(path)
        distances[path.name] = dict(zip(hours, judge(values), strict=True))
        print(f"{path.name}: {len(hours):,} hours", flush=True)
    print(
        f"\n| detector | windows found, of {sum(map(len, windows.values()))} | hours of alarm outside |\n|---|---|---|"
    )
    for name, (found, outside) in PUBLISHED.items():
        print(f"| {name} | {found} | {outside} |")
    for z in options.z or [3.0, 3.5, series.MOST_Z, 5.0]:
        found, outside = count(distances, windows, z)
        print(f"| ours, z > {z:g} | {found} | {outside} |")


def read(path: Path) -> tuple[list[datetime], list[float]]:
    """Return the hours of a series, and log1p of each one's mean; nan where there is none."""
    by_hour = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["timestamp"])
            by_hour[at.replace(minute=0, second=0)].append(float(row["value"]))
    first, last = min(by_hour), max(by_hour)
    hours = [first + place * HOUR for place in range((last - first) // HOUR + 1)]
    return hours, [math.log1p(float(np.mean(by_hour[hour]))) if hour in by_hour else math.nan for hour in hours]


def judge(values: list[float]) -> list[float]:
    """Return each hour's distance from what the hours before led to expect, in the robust deviation until then."""
    shares = [1 / (1 + math.exp(-value)) for value in values]  # whose logits the values are
    found = series.steps(shares, series.fit(shares[:LEARNED]))
    errors = np.array([logit(share) - logit(step.expected) for share, step in zip(shares, found, strict=True)])
    distances = []
    for place, error in enumerate(errors):
        before = errors[2 * series.DAY : place + 1]
        before = before[np.isfinite(before)]
        if len(before) < FEWEST:
            distances.append(0.0)
            continue
        scale = 1.4826 * float(np.median(np.abs(before - np.median(before))))
        distances.append(abs(float(error)) / scale if math.isfinite(error) else 0.0)
    return distances


def logit(share: float) -> float:
    return math.log(share / (1 - share)) if 0 < share < 1 else math.nan


def count(
    distances: dict[str, dict[datetime, float]], windows: dict[str, list[list[str]]], z: float
) -> tuple[int, int]:
    """Return how many windows have an anomaly, and how many anomalies are in none."""
    found = outside = 0
    for name, hours in distances.items():
        spans = [[datetime.fromisoformat(at) for at in window] for key, window in key_of(windows, name)]
        first = min(hours) + PROBATION
        alarms = [hour for hour, distance in hours.items() if distance > z and hour >= first]
        inside = {hour for hour in alarms for begin, end in spans if begin < hour + HOUR and hour <= end}
        found += sum(any(begin < hour + HOUR and hour <= end for hour in alarms) for begin, end in spans)
        outside += len(alarms) - len(inside)
    return found, outside


def key_of(windows: Windows, name: str) -> list[tuple[str, list[str]]]:
    return [(key, window) for key, all_of_it in windows.items() if key.endswith(name) for window in all_of_it]


if __name__ == "__main__":
    main()
