"""A Hugging Face hub for HubDownloadTests, with tiny models and the faults that networks have.

Prints one line of JSON with its two ports, then serves until its standard input ends. Large files lie on the second
port, to which the first redirects, as the hub does. The organisation in a model's name says how to behave: good/model
works, cut/model breaks off once, and so on. /log lists the requests.
"""

import hashlib
import http.server
import json
import random
import sys
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = random.Random(3).randbytes(300_000)
SHARDS = {"model-00001-of-00002.safetensors": b"first" * 50, "model-00002-of-00002.safetensors": b"second" * 50}
FILES = {
    "config.json": b'{"model_type": "clip"}',
    "preprocessor_config.json": b"{}",
    "vocab.json": b'{"a": 0}',
    "1_Pooling/config.json": b'{"pooling": "mean"}',
    "README.md": b"not needed",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"not needed",
    "../../../../evil.txt": b"evil",
    "../config.json": b"evil",
}
LOG = []
LARGE = (".safetensors", ".bin")


def files(mode):
    if mode == "bare":
        return {"README.md": b"nothing"}
    if mode == "weightless":
        return {"config.json": b"{}"}
    if mode in ("timm", "laion"):
        config = b'{"architecture": "resnet50_clip"}' if mode == "timm" else FILES["config.json"]
        return {**FILES, "config.json": config, "open_clip_config.json": b"{}", "open_clip_model.safetensors": b"open" * 9}
    if mode == "openclip":
        return {"open_clip_config.json": b"{}", "open_clip_pytorch_model.bin": b"open" * 9}
    if mode == "pickled":
        return {name: data for name, data in FILES.items() if name != "model.safetensors"}
    if mode in ("sharded", "traversing", "incomplete"):
        names = list(SHARDS) if mode != "traversing" else ["../../x.safetensors"]
        index = {"weight_map": {f"weight{i}": name for i, name in enumerate(names)}}
        shards = dict(list(SHARDS.items())[: 1 if mode == "incomplete" else 2])
        return {
            "config.json": b"{}",
            "model.safetensors.index.json": json.dumps(index).encode(),
            **shards,
        }
    return FILES


def etag(name, data):
    if name.endswith(LARGE):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body=b"", status=200, announced=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.path == "/log":
            return self.answer(json.dumps(LOG).encode())
        path = self.path.split("?")[0]
        LOG.append({
            "method": self.command,
            "path": path,
            "range": self.headers.get("Range"),
            "authorization": self.headers.get("Authorization"),
            "isStore": self.server is store,
        })
        parts = path.strip("/").split("/")
        if parts[0] == "store":
            return self.store(parts[1], "/".join(parts[2:]))
        if parts[:2] == ["api", "models"]:
            return self.listing(parts[2], parts[3])
        if len(parts) < 5 or parts[2:4] != ["resolve", COMMIT]:
            return self.answer(b"not here", status=404)
        mode, _, _, _, *rest = parts
        if mode == "old":
            return self.answer(status=307, Location=path.replace("/old/", "/good/"))
        content = files(mode).get("/".join(rest))
        if content is None or (mode == "missing" and rest == ["vocab.json"]):
            return self.answer(b"Entry not found", status=404)
        self.resolve(mode, "/".join(rest), content)

    def listing(self, mode, model):
        if mode == "old":
            return self.answer(status=307, Location=self.path.replace("/old/", "/good/"))
        if mode == "nobody" or model != "model":
            return self.answer(b"not here", status=404)
        if mode == "gated" and self.headers.get("Authorization") != "Bearer secret":
            return self.answer(b"who are you?", status=401)
        if mode == "forbidden":
            return self.answer(b"accept the licence", status=403)
        if mode == "broken":
            return self.answer(b"<html>welcome to the airport</html>")
        names = [{"rfilename": name} for name in files(mode)]
        commit = "../../../evil" if mode == "escaping" else COMMIT
        self.answer(json.dumps({"id": f"{mode}/model", "sha": commit, "siblings": names}).encode())

    def resolve(self, mode, name, content):
        tag = etag(name, content)
        if mode == "unhashed":
            tag = "../../evil"
        common = {"X_Repo_Commit": COMMIT}
        if mode == "moved":
            common["X_Repo_Commit"] = "f" * 40
        if not name.endswith(LARGE):
            if mode == "wrongsmall":
                content = content[:-1] + b"!"
            return self.answer(content, ETag=f'"{tag}"', **common)
        self.answer(
            status=302,
            Location=f"http://127.0.0.1:{store.server_port}/store/{mode}/{name}",
            ETag='"of the redirection"',
            X_Linked_Etag=f'"{tag}"',
            X_Linked_Size=str(len(content)),
            **common,
        )

    def store(self, mode, name):
        content = files(mode)[name]
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        half = len(content) // 2
        if mode == "wrong":
            return self.answer(content[:-1] + b"!")
        if mode == "longer":
            return self.answer(content + b"more")
        if mode == "shorter":
            return self.answer(content[:-1])
        if mode == "whole":
            self.close_connection = not wanted
            return self.answer(content if wanted else content[:half], announced=len(content))
        if mode == "misplaced" and start:
            return self.answer(content, status=206, Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}")
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(content[start:], status=206, Content_Range=span)
        if mode in ("cut", "misplaced"):
            self.close_connection = True
            return self.answer(content[:half], announced=len(content))
        self.answer(content)


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


hub, store = serve(), serve()
for server in (hub, store):
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"port": hub.server_port, "storePort": store.server_port}), flush=True)
sys.stdin.read()
