"""ClickHouse's engine (PyPI: chdb-core) behind as much of ClickHouse's HTTP interface as a connector meets.

The engine runs in this process: its SQL, its types, its formats and its errors are ClickHouse's own. What is written
here is the door before it, after the documentation's chapter "HTTP interface": who may enter, parameters and settings
in the URL or in a form, rows in chunks while they come, exceptions in a header, as a status, and in the middle of a body.

Prints `listening on PORT` once it answers.
"""

import base64
import email.parser
import email.policy
import json
import re
import secrets
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chdb.state import connect

CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")
STREAMED = re.compile(r"^\s*\(*\s*(SELECT|WITH)\b", re.IGNORECASE)
KILLED = re.compile(r"^\s*KILL\s+QUERY\b", re.IGNORECASE)
STATUS = {60: 404, 81: 404, 47: 404, 46: 404, 516: 403, 497: 403, 164: 403, 62: 400, 457: 400, 159: 408, 202: 503}
# What stands in a URL and is no setting.
RESERVED = {
    "query", "query_id", "database", "default_format", "user", "password", "session_id", "compress", "decompress",
    "quota_key", "role", "wait_end_of_query", "buffer_size",
}


class Refused(Exception):
    """An exception of ClickHouse, by its code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def refused(error):
    text = str(error).removeprefix("Streaming query failed: ").strip()
    found = CODE.search(text)
    return Refused(int(found.group(1)) if found else 1002, text)


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.read_body())

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self, body):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/ping":
            return self.whole(200, b"Ok.\n")
        pairs = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True, encoding="utf-8", errors="strict"))
        connection = None
        self.begun = False
        try:
            user = self.enter(pairs)
            if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
                pairs |= self.form(body)
                body = b""
            text = "\n".join(part for part in (pairs.get("query", ""), body.decode()) if part)
            connection = connect(self.server.data)
            self.run(connection, user, pairs, text)
        except Refused as error:
            self.fail(error, pairs)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            if connection is not None:
                connection.close()

    def enter(self, pairs):
        name, password = "default", ""
        header = self.headers.get("Authorization", "")
        if header.startswith("Basic "):
            name, _, password = base64.b64decode(header[6:]).decode().partition(":")
        elif "X-ClickHouse-User" in self.headers:
            name, password = self.headers["X-ClickHouse-User"], self.headers.get("X-ClickHouse-Key", "")
        elif "user" in pairs:
            name, password = pairs["user"], pairs.get("password", "")
        user = self.server.users.get(name)
        if user is None or user["password"] != password:
            raise Refused(
                516,
                f"Code: 516. DB::Exception: {name}: Authentication failed: password is incorrect, or there is no user "
                "with such name. (AUTHENTICATION_FAILED)",
            )
        return user

    def form(self, body):
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        fields = {}
        for part in parsed.iter_parts():
            name = part.get_param("name", header="content-disposition")
            value = part.get_payload(decode=True).decode()
            if len(value) > 128 * 1024:
                raise Refused(1001, "Code: 1001. DB::Exception: Field value is too long. (STD_EXCEPTION)")
            # A long statement comes in several fields of one name.
            fields[name] = fields.get(name, "") + value if name == "query" else value
        return fields

    def run(self, connection, user, pairs, text):
        query = pairs.get("query_id") or secrets.token_hex(8)
        settings = {k: v for k, v in pairs.items() if k not in RESERVED and not k.startswith("param_")}
        parameters = {k.removeprefix("param_"): v for k, v in pairs.items() if k.startswith("param_")}
        if KILLED.match(text):
            # The engine names its queries itself; what a request calls its own is kept beside it.
            text = re.sub(r"\bquery_id\b", "Settings['log_comment']", text)
        try:
            if database := pairs.get("database"):
                connection.query("USE `" + database.replace("\\", "\\\\").replace("`", "\\`") + "`")
            connection.query(f"SET log_comment = '{query}'" if re.fullmatch(r"[\w-]+", query) else "SELECT 1")
            for name, value in user.get("settings", {}).items():
                connection.query(f"SET {name} = {value}")
            if settings:
                # The last one decides whether any other may follow.
                ordered = sorted(settings.items(), key=lambda pair: pair[0] == "readonly")
                quote = lambda value: "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
                connection.query("SET " + ", ".join(f"{name} = {quote(value)}" for name, value in ordered))
            form = pairs.get("default_format", "TabSeparated")
            if STREAMED.match(text):
                self.stream(connection.send_query(text, form, params=parameters or None), pairs, query)
            else:
                result = connection.query(text, form, params=parameters or None)
                self.whole(200, result.bytes() or b"", query)
        except (BrokenPipeError, ConnectionResetError, Refused):
            raise
        except Exception as error:  # The engine's own type is not exported under one name.
            raise refused(error) from None

    def stream(self, rows, pairs, query):
        rows = iter(rows)
        # The status waits for the first rows: most exceptions come before them.
        chunk = next(rows, None)
        self.begin(pairs, query)
        while chunk is not None:
            try:
                self.send(chunk.bytes() or b"")
                chunk = next(rows, None)
            except (BrokenPipeError, ConnectionResetError):
                close = getattr(rows, "close", None)
                if close is not None:
                    close()
                raise
        self.send(b"", last=True)

    def begin(self, pairs, query):
        self.tag = secrets.token_hex(8)
        self.begun = True
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson; charset=UTF-8")
        self.send_header("X-ClickHouse-Query-Id", query)
        self.send_header("X-ClickHouse-Format", pairs.get("default_format", "TabSeparated"))
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if self.server.tagged:
            self.send_header("X-ClickHouse-Exception-Tag", self.tag)
        if self.request_version == "HTTP/1.0":
            self.close_connection = True
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send(self, data, last=False):
        if self.request_version == "HTTP/1.0":
            self.wfile.write(data)
        elif data or last:
            end = b"0\r\n\r\n" if last else b""
            self.wfile.write((b"%x\r\n%s\r\n" % (len(data), data) if data else b"") + end)

    def whole(self, status, data, query="", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=UTF-8")
        self.send_header("X-ClickHouse-Query-Id", query)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def fail(self, error, pairs):
        text = f"{error} (version {self.server.version} (official build))\n"
        if not self.begun:
            status = STATUS.get(error.code, 500)
            headers = [("X-ClickHouse-Exception-Code", str(error.code))]
            return self.whole(status, text.encode(), pairs.get("query_id", ""), headers)
        if pairs.get("http_write_exception_in_output_format") != "0":
            text = json.dumps({"exception": text.strip()}) + "\n"
        elif self.server.tagged:
            length = len(text.encode())
            text = f"\r\n__exception__\r\n{self.tag}\r\n{text}{length} {self.tag}\r\n__exception__\r\n"
        self.send(text.encode())
        self.send(b"", last=True)


def main():
    options = json.loads(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", options["port"]), Door)
    server.daemon_threads = True
    server.data = options["data"]
    server.users = options["users"]
    server.tagged = options["tagged"]
    keeper = connect(server.data)
    server.version = str(keeper.query("SELECT version()", "TabSeparated")).strip()
    for statement in options["statements"]:
        keeper.query(statement)
    print(f"listening on {server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever).run()


main()
