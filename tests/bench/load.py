"""Many clients at once: `load.py HOST:PORT CLIENTS SECONDS PATH…` prints one line of JSON.

A process of its own, so that its threads do not wait for those of the harness. Each client keeps one
connection, and asks again as soon as it has an answer.
"""

import http.client
import json
import math
import resource
import sys
import threading
import time

# Of the time at the beginning, while clients connect, nothing is counted.
WARM_UP = 2
ANSWER = 60


def client(address, paths, first, began, until, results, errors):
    """Asks for one path after the other, beginning at its own."""
    connection = http.client.HTTPConnection(*address, timeout=ANSWER)
    turn = first
    while time.perf_counter() < until:
        path = paths[turn % len(paths)]
        turn += 1
        asked = time.perf_counter()
        try:
            connection.request("GET", path, headers={"accept": "application/json"})
            answer = connection.getresponse()
            answer.read()
            problem = None if answer.status == 200 else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            problem = type(error).__name__
        done = time.perf_counter()
        if problem:
            errors.append((path, problem))
            # What refuses at once would be asked as fast as we can.
            time.sleep(0.01)
        elif asked >= began:
            results.append((path, done - asked, done))
    connection.close()


def percentile(values, share):
    """The smallest value that so much of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def main():
    """Starts the clients and sums up what they saw."""
    host, port = sys.argv[1].rsplit(":", 1)
    clients, seconds, paths = int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    began = time.perf_counter() + WARM_UP
    until = began + seconds
    results, errors = [], []
    threads = [
        threading.Thread(
            target=client, args=((host, int(port)), paths, number, began, until, results, errors)
        )
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = [taken for _, taken, _ in results]
    span = max((done for _, _, done in results), default=until) - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    problems = {}
    for path, problem in errors:
        problems[f"{path}: {problem}"] = problems.get(f"{path}: {problem}", 0) + 1
    print(
        json.dumps(
            {
                "clients": clients,
                "requests": len(times),
                "per_second": len(times) / span,
                "p50": percentile(times, 0.5),
                "p99": percentile(times, 0.99),
                "longest": max(times, default=None),
                "errors": len(errors),
                "problems": problems,
                "client_cpu": usage.ru_utime + usage.ru_stime,
                "p50_by_path": {
                    path: percentile([taken for asked, taken, _ in results if asked == path], 0.5)
                    for path in paths
                },
            }
        )
    )


if __name__ == "__main__":
    main()
