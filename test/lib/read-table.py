"""Looks a key up in a cdb, written from the description of the format alone.

read-table.py FILE KEY(hex) cdb|signed: prints the data in hex, exit 1 when the key is not there.
"signed" is the hash of a reader whose characters are signed: bytes above 127 are sign-extended.
"""

import struct
import sys


def hashed(key, signed):
    h = 5381
    for byte in key:
        if signed and byte > 127:
            byte -= 256
        h = ((h * 33) ^ (byte & 0xFFFFFFFF)) & 0xFFFFFFFF
    return h


def lookup(image, key, h):
    position, slots = struct.unpack_from("<II", image, (h & 255) * 8)
    for probe in range(slots):
        at = position + ((h >> 8) + probe) % slots * 8
        found, record = struct.unpack_from("<II", image, at)
        if record == 0:
            return None
        if found != h:
            continue
        key_length, data_length = struct.unpack_from("<II", image, record)
        start = record + 8
        if image[start : start + key_length] == key:
            return image[start + key_length : start + key_length + data_length]
    return None


def main(path, key, kind):
    with open(path, "rb") as file:
        image = file.read()
    wanted = bytes.fromhex(key)
    data = lookup(image, wanted, hashed(wanted, kind == "signed"))
    if data is None:
        return 1
    print(data.hex())
    return 0


sys.exit(main(*sys.argv[1:]))
