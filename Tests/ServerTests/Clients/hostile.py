"""Clients that mean harm, against a service on this machine: hostile.py URL PID.

Thousands of silent connections, slow ones (slowhttptest), broken requests, then many good ones. Each time the service must
answer the next good request; at the end its memory must be what it was.

CONNECTIONS (10000) and REQUESTS (5000) say how many, within what the system lets this process open.
"""

import http.client
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

address = urllib.parse.urlsplit(sys.argv[1])
host, port, process = address.hostname, address.port, int(sys.argv[2])
body = json.dumps({"text": "you look like this"})


def fail(what):
    raise SystemExit(f"hostile: {what}")


def good_request(when, connection=None):
    """Asks for a prediction and returns how long it took."""
    start = time.monotonic()
    own = connection or http.client.HTTPConnection(host, port, timeout=20)
    try:
        own.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        answer = own.getresponse()
        content = answer.read()
    except OSError as error:
        fail(f"{when}: a good request got no answer: {error}")
    if answer.status != 200:
        fail(f"{when}: a good request got {answer.status}: {content[:200]}")
    if not connection:
        own.close()
    return time.monotonic() - start


def resident_bytes():
    with open(f"/proc/{process}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def silent_connections():
    wanted = int(os.environ.get("CONNECTIONS", 10000))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + 100:
        limit = wanted + 100 if hard == resource.RLIM_INFINITY else min(wanted + 100, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        wanted = min(wanted, limit - 100)
    held = []
    for number in range(wanted):
        try:
            held.append(socket.create_connection((host, port), timeout=5))
        except OSError:
            continue  # it may refuse, as long as it answers others
        if number % 2:
            held[-1].send(b"POST /v1/predict HTTP/1.1\r\nhost: a\r\n")
    seconds = [good_request(f"with {len(held)} silent connections") for _ in range(5)]
    print(f"hostile: {len(held)} silent connections, a good request took {max(seconds):.3f} s at most")
    for each in held:
        each.close()
    good_request("after the silent connections")


def silent_bodies():
    """Bodies that are announced, more than may be in memory at once, and never sent."""
    held = []
    for length in [20 << 20] * 25 + [12 << 20]:
        held.append(socket.create_connection((host, port), timeout=5))
        held[-1].sendall(b"POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
                         b"content-length: %d\r\n\r\n" % length)
    time.sleep(1)
    seconds = good_request(f"with {len(held)} silent bodies")
    print(f"hostile: {len(held)} silent bodies, a good request took {seconds:.3f} s")
    for each in held:
        each.close()


def slow_clients():
    program = shutil.which("slowhttptest")
    if not program:
        fail("no slowhttptest: apt-get install slowhttptest, then run again")
    url = f"http://{host}:{port}/v1/predict"
    for name, options in {
        "slow headers": ["-H", "-i", "1"],
        "slow bodies": ["-B", "-i", "1", "-s", "8192", "-t", "POST"],
        "slow readers": ["-X", "-w", "1", "-y", "8", "-n", "1", "-z", "8", "-u", url.replace("v1/predict", "openapi.json")],
    }.items():
        target = [] if "-u" in options else ["-u", url]
        attack = subprocess.Popen(
            [program, "-c", "1500", "-r", "500", "-l", "12", "-p", "2", *target, *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        seconds = []
        while attack.poll() is None:
            seconds.append(good_request(f"during {name}"))
            time.sleep(0.2)
        print(f"hostile: {name}, {len(seconds)} good requests took {max(seconds):.3f} s at most")
        good_request(f"after {name}")


def broken_requests():
    for raw in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS greeting
        b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 5000,
        b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    ]:
        with socket.create_connection((host, port), timeout=20) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass
        if answer and not answer.split(b" ", 1)[1].startswith(b"4"):
            fail(f"{raw[:40]!r} got {answer[:80]!r}, expected 4xx or a closed connection")
        good_request(f"after {raw[:20]!r}")
    print("hostile: broken requests get 4xx or a closed connection")


def soak():
    count, threads = int(os.environ.get("REQUESTS", 5000)), 4

    def send(number):
        connection = http.client.HTTPConnection(host, port, timeout=60)
        for _ in range(number):
            good_request("in the long run", connection)
        connection.close()

    def run(number):
        workers = [threading.Thread(target=send, args=(number // threads,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    run(count // 5)
    before, start = resident_bytes(), time.monotonic()
    run(count)
    after, seconds = resident_bytes(), time.monotonic() - start
    grown = after - before
    print(
        f"hostile: {count} requests in {seconds:.0f} s; resident memory {before >> 20} MiB, then {after >> 20} MiB"
    )
    if grown > max(16 << 20, before // 20):
        fail(f"resident memory grew by {grown >> 20} MiB over {count} requests")


good_request("at the start")
broken_requests()
silent_connections()
silent_bodies()
slow_clients()
soak()
