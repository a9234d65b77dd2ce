"""A running `podtrail serve`, asked over HTTP."""

import http.client
import json
import re
import threading
import time
from urllib.parse import urlsplit

import child

# What a service may take until it is ready, and one answer, in seconds.
READY = 300
ANSWER = 120
# Time between two looks whether it is ready.
LOOK = 0.002


class Service:
    """Starts on a free port; a context that ends it."""

    def __init__(self, podtrail, store):
        began = time.perf_counter()
        self.process = child.start(
            [podtrail, "--store", store, "serve", "--listen", "127.0.0.1:0"],
            stdin=child.subprocess.DEVNULL,
            stdout=child.subprocess.DEVNULL,
            stderr=child.subprocess.PIPE,
            text=True,
        )
        try:
            self.address = self._address()
            self._drain()
            self._wait(began)
        except BaseException:
            self.close()
            raise
        self.ready = time.perf_counter() - began
        """Seconds from the start to the first time that it says it is ready."""
        self.memory_ready = self.memory()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Lets the service end in its own way, within some seconds."""
        child.stop(self.process)
        self.process.stderr.close()

    def _address(self):
        timer = threading.Timer(READY, child.kill, [self.process])
        timer.daemon = True
        timer.start()
        said = []
        try:
            for line in self.process.stderr:
                found = re.search(r"http://([\d.]+:\d+)", line)
                if found:
                    return found[1]
                said.append(line.strip())
        finally:
            timer.cancel()
        raise child.Failed(f"serve ended: {' '.join(said)[-child.SAID:]}")

    def _drain(self):
        """Reads on, so that the service never waits for us to take its log."""
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()

    def _wait(self, began):
        while time.perf_counter() - began < READY:
            if self.process.poll() is not None:
                raise child.Failed(f"serve ended with {self.process.returncode}")
            status, _ = self.ask("/readyz")
            if status == 200:
                return
            time.sleep(LOOK)
        raise child.Failed(f"not ready within {READY} s")

    def memory(self):
        """Bytes of memory in use at the most so far; None where the system does not tell."""
        try:
            with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
                found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
        except OSError:
            return None
        return int(found[1]) * 1024 if found else None

    def connect(self):
        """A connection, which may be used for many requests."""
        host = urlsplit(f"//{self.address}")
        return http.client.HTTPConnection(host.hostname, host.port, timeout=ANSWER)

    def ask(self, path, body=None, connection=None):
        """Status and bytes of an answer; status 0 where there was none."""
        own = connection or self.connect()
        try:
            headers = {"accept": "application/json"}
            if body is not None:
                body, headers["content-type"] = json.dumps(body), "application/json"
            own.request("GET" if body is None else "POST", path, body, headers)
            answer = own.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error or type(error).__name__).encode()
        finally:
            if connection is None:
                own.close()

    def timed(self, path, body=None, connection=None):
        """Seconds from the request to the last byte of a good answer, and its bytes."""
        began = time.perf_counter()
        status, text = self.ask(path, body, connection)
        seconds = time.perf_counter() - began
        if status != 200:
            raise child.Failed(f"status {status}: {text[:child.SAID].decode(errors='replace')}")
        return seconds, text

    def warm(self, path, body=None, times=10, longest=30):
        """Seconds of each of some calls, after one that does not count; fewer where they are slow."""
        connection = self.connect()
        try:
            first, text = self.timed(path, body, connection)
            seconds = []
            while len(seconds) < times and (not seconds or first + sum(seconds) < longest):
                seconds.append(self.timed(path, body, connection)[0])
            return seconds, len(text)
        finally:
            connection.close()
