"""usage: scan.py PUBLIC_PORT PID…      (the gateway's process first)

What the services listen on, and what the public port answers to those who look for more than the API (T122): metrics, health details,
debuggers, gRPC reflection, HTTP/2, our own RPC. Prints one line for each finding and a last one with the sum.
"""
import http.client
import os
import re
import socket
import sys


def listeners(pid):
    inodes = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            match = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{entry}"))
        except OSError:
            continue
        if match:
            inodes.add(match.group(1))
    found = []
    for table in ("tcp", "tcp6"):
        for line in open(f"/proc/net/{table}").read().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.append((address, int(port, 16)))
    return found


def status(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().status


def raw(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.sendall(data)
        try:
            return peer.recv(65536)
        except OSError:
            return b""


port, pids = int(sys.argv[1]), sys.argv[2:]
findings, seen = [], 0
for index, pid in enumerate(pids):
    open_ports = listeners(pid)
    seen += len(open_ports)
    # RPC and admin; the gateway has its public port besides.
    if len(open_ports) != (3 if index == 0 else 2):
        findings.append(f"process {pid} listens on {open_ports}")
    findings += [f"process {pid} listens beyond loopback, on {address}:{number}" for address, number in open_ports if address != "0100007F"]

paths = [
    "/metrics", "/metrics/", "/api/v1/metrics", "/debug", "/debug/pprof/", "/debug/vars", "/actuator", "/actuator/health", "/admin/metrics", "/status",
    "/server-status", "/env", "/.env", "/.git/config", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/grpc.health.v1.Health/Check", "/assay.gateway.v1.Identity/GetMe",
]
for path in paths:
    answer = status(port, path)
    if answer != 404:
        findings.append(f"{path} is answered with {answer} on the public port")

# A server that speaks HTTP/2 begins with a SETTINGS frame; one that speaks our RPC with a preface of type 1.
http2 = raw(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
if http2[3:4] == b"\x04" or (http2 and not http2.startswith(b"HTTP/1.1 400") and not http2.startswith(b"HTTP/1.1 505")):
    findings.append(f"the preface of HTTP/2 is answered with {http2[:60]!r}")
frame = raw(port, b"\x00\x00\x00\x0e\x01\x00\x00\x00\x00\x00assay-rpc\r\n\r\n")
if frame and not frame.startswith(b"HTTP/1.1 400"):
    findings.append(f"the preface of the frame transport is answered with {frame[:60]!r}")

for finding in findings:
    print(finding)
print(f"{seen} listening ports of {len(pids)} services, {len(paths) + 2} probes of the public one: " + (findings[0] if findings else "nothing more than the API"))
sys.exit(1 if findings else 0)
