"""A Git LFS server over HTTP, as small as git-lfs needs one, that believes only the hub's tokens.

    lfs_server.py serve DIRECTORY KEY PORT_FILE     serves until it is ended
    lfs_server.py claims KEY TOKEN                  prints what a token says, if its signature is right

The token is checked here by the words of RFC 7515 and RFC 7519 alone, so that the hub's own code is not its own judge.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def decoded(part):
    if "=" in part:
        raise ValueError("padded")
    return base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)


def claims(key, token):
    header, payload, signature = token.split(".")
    expected = hmac.new(key, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, decoded(signature)):
        raise ValueError("signature")
    if json.loads(decoded(header)) != {"alg": "HS256", "typ": "JWT"}:
        raise ValueError("header")
    said = json.loads(decoded(payload))
    if not said["iat"] <= time.time() + 5 or not time.time() < said["exp"] <= said["iat"] + 3600:
        raise ValueError("time")
    return said


class Refused(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def split(self):
        """/alice/x/objects/batch -> alice/x, objects/batch; without git's own suffix."""
        for word in ["/objects/", "/locks/"]:
            if word in self.path:
                path, rest = self.path.split(word, 1)
                return path.strip("/"), word.strip("/") + "/" + rest
        raise Refused("no such place")

    def check(self, path, operation):
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            raise Refused("no token")
        try:
            said = claims(self.server.key, token)
        except (ValueError, KeyError) as error:
            raise Refused(f"not a token of the hub's: {error}")
        if said["repo"] != path:
            raise Refused("a token for another repository")
        if operation == "upload" and said["operation"] != "upload":
            raise Refused("a token for downloads")

    def answer(self, status, body, kind="application/vnd.git-lfs+json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def place(self, oid):
        if len(oid) != 64 or set(oid) - set("0123456789abcdef"):
            raise Refused("no such object")
        return os.path.join(self.server.directory, oid)

    def handle_with(self, step):
        try:
            path, rest = self.split()
            step(path, rest)
        except Refused as refused:
            self.answer(403, {"message": str(refused)})

    def batch(self, path, rest):
        asked = json.loads(self.body() or b"{}")
        if rest == "locks/verify":
            self.check(path, "upload")
            return self.answer(200, {"ours": [], "theirs": []})
        self.check(path, asked["operation"])
        objects = []
        for item in asked["objects"]:
            there = os.path.exists(self.place(item["oid"]))
            action = {
                "href": f"http://127.0.0.1:{self.server.server_port}/{path}/objects/{item['oid']}",
                "header": {"Authorization": self.headers["Authorization"]},
            }
            if there != (asked["operation"] == "download"):
                # As the API says: an error for a missing object, no action for one that the server has.
                more = {} if there else {"error": {"code": 404, "message": "no such object"}}
            else:
                more = {"actions": {asked["operation"]: action}}
            objects.append({**item, "authenticated": True, **more})
        self.answer(200, {"transfer": "basic", "objects": objects})

    def do_POST(self):
        self.handle_with(self.batch)

    def do_PUT(self):
        def put(path, rest):
            content = self.body()
            self.check(path, "upload")
            oid = rest.split("/")[1]
            if hashlib.sha256(content).hexdigest() != oid:
                raise Refused("other bytes")
            with open(self.place(oid), "wb") as file:
                file.write(content)
            self.answer(200, b"")

        self.handle_with(put)

    def do_GET(self):
        def get(path, rest):
            self.check(path, "download")
            with open(self.place(rest.split("/")[1]), "rb") as file:
                self.answer(200, file.read(), "application/octet-stream")

        self.handle_with(get)


def main():
    key = open(sys.argv[3 if sys.argv[1] == "serve" else 2], "rb").read().strip()
    if sys.argv[1] == "claims":
        print(json.dumps(claims(key, sys.argv[3])))
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.directory, server.key = sys.argv[2], key
    with open(sys.argv[4] + ".new", "w") as file:
        file.write(str(server.server_port))
    os.rename(sys.argv[4] + ".new", sys.argv[4])
    server.serve_forever()


main()
