"""A client of vmailmgrd, written after the protocol alone.

usage: vmailmgrd-client.py unix:PATH | PROGRAM [ARGUMENT ...]

stdin: JSON, {"request": [COMMAND, ARGUMENT ...]} or {"raw": HEX}; texts are latin1.
With PROGRAM it is started with one end of a socket pair on its descriptors 0 and 1, as unixserver does.
stdout: JSON, the list of replies [CODE, TEXT].
"""

import json
import os
import socket
import struct
import subprocess
import sys


def text(value):
    data = value.encode("latin1")
    return struct.pack(">H", len(data)) + data


def encode(words):
    body = bytes([len(words) - 1]) + b"".join(text(word) for word in words)
    return b"\x02" + struct.pack(">H", len(body)) + body


def read_all(connection):
    data = b""
    while True:
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not chunk:
            return data
        data += chunk


def replies(data):
    found = []
    while data:
        code, length = struct.unpack(">BH", data[:3])
        assert len(data) >= 3 + length, "a reply is cut short"
        found.append([code, data[3 : 3 + length].decode("latin1")])
        data = data[3 + length :]
    return found


asked = json.load(sys.stdin)
data = bytes.fromhex(asked["raw"]) if "raw" in asked else encode(asked["request"])
child = None
if sys.argv[1].startswith("unix:"):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1][5:])
else:
    connection, other = socket.socketpair()
    child = subprocess.Popen(sys.argv[1:], stdin=other, stdout=other)
    other.close()
try:
    connection.sendall(data)
except BrokenPipeError:
    pass
if asked.get("close"):
    connection.shutdown(socket.SHUT_WR)
answer = replies(read_all(connection))
# The server waits for it, so that no reset takes its answer away.
connection.close()
if child:
    child.wait()
json.dump(answer, sys.stdout)
