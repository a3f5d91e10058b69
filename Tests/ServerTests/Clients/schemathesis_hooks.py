"""Teaches schemathesis what a picture is: random text in its place would test one error only."""
import base64
import struct
import zlib

import schemathesis
from hypothesis import strategies


def png(red, green, blue):
    """A picture of 4 × 4 pixels of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * 4) * 4
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


byte = strategies.integers(0, 255)
files = strategies.builds(png, byte, byte, byte)
encoded = files.map(lambda file: base64.b64encode(file).decode())
urls = encoded.map(lambda text: f"data:image/png;base64,{text}")
schemathesis.openapi.format("picture", encoded | urls)
schemathesis.openapi.format("picture-url", urls)
schemathesis.openapi.format("picture-file", files)
