"""Accepts connections on the port in its argument, until it is ended."""

import http.server
import sys

where = ("127.0.0.1", int(sys.argv[1]))
with http.server.HTTPServer(where, http.server.SimpleHTTPRequestHandler) as server:
    print("listening", flush=True)
    server.serve_forever()
