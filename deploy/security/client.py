"""usage: client.py URL KEY SOURCE_ADDRESS

A client that means well while others attack: asks every 20 ms, each tenth time over a new connection, until SIGTERM. Prints how it was served,
and how many connections of the attack the server has still open; ends with 1 if that are any, a request failed, or the slowest hundredth took longer
than half a second.
"""
import http.client
import signal
import ssl
import sys
import time
import urllib.parse

url, key, source = sys.argv[1:]
target = urllib.parse.urlparse(url)
running = True


def stop(*_):
    global running
    running = False


def connections():
    """Open ones on the server's side, also those whose other end is closed; the kernel's own, which no process holds any longer, are not."""
    rows = [line.split() for line in open("/proc/net/tcp").read().splitlines()[1:]]
    return sum(row[1] == f"0100007F:{target.port:04X}" and row[3] in ("01", "08") and row[9] != "0" for row in rows)


def connect():
    if target.scheme == "https":
        trust = ssl.create_default_context()
        # Who answers is testssl's question.
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(target.hostname, target.port, timeout=10, source_address=(source, 0), context=trust)
    return http.client.HTTPConnection(target.hostname, target.port, timeout=10, source_address=(source, 0))


signal.signal(signal.SIGTERM, stop)
times, failures = [], []
connection = connect()
while running:
    if len(times) % 10 == 0:
        connection.close()
        connection = connect()
    started = time.monotonic()
    try:
        connection.request("GET", "/api/v1/me", headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            failures.append(f"status {answer.status}")
    except (OSError, http.client.HTTPException) as error:
        failures.append(repr(error))
        connection = connect()
    times.append(time.monotonic() - started)
    time.sleep(0.02)
connection.close()
time.sleep(1)
left = connections()
times.sort()
at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1000
print(f"others: {len(times)} requests, {len(failures)} failed, p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, slowest {times[-1] * 1000:.0f} ms; {left} connections left" + (f" ({failures[0]})" if failures else ""))
sys.exit(1 if left or failures or at(0.99) > 500 else 0)
