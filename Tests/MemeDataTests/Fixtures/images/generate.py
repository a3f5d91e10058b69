"""Writes the pictures of this folder and, beside each, what a viewer shows: NAME.rgb, [height, width, 3] bytes.

Made with Pillow 13.0.0: python generate.py
"""
import pathlib, struct, zlib
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 32, 24


def sample(x, y):
    return (x * 255 // (WIDTH - 1), y * 255 // (HEIGHT - 1), (x * 5 + y * 7) % 256)


def expected(name, image):
    (here / f"{name}.rgb").write_bytes(image.convert("RGB").tobytes())


def over_white(image):
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def png(name, colour_type, depth, lines, width=WIDTH, height=HEIGHT):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + line for line in lines), 9)
    (here / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


rgb = Image.new("RGB", (WIDTH, HEIGHT))
rgb.putdata([sample(x, y) for y in range(HEIGHT) for x in range(WIDTH)])
alpha = Image.new("L", rgb.size)
alpha.putdata([(x * 8 + y * 3) % 256 for y in range(HEIGHT) for x in range(WIDTH)])
rgba = rgb.copy()
rgba.putalpha(alpha)

for name, image, options in [
    ("rgb.jpg", rgb, dict(quality=90)),
    ("progressive.jpg", rgb, dict(quality=90, progressive=True)),
    ("grey.jpg", rgb.convert("L"), dict(quality=90)),
    ("rgb.png", rgb, {}),
    ("grey.png", rgb.convert("L"), {}),
    ("rgb.webp", rgb, dict(quality=90)),
    ("lossless.webp", rgb, dict(lossless=True)),
]:
    image.save(here / name, **options)
    expected(name, Image.open(here / name))

# Turned by EXIF: 6 is "rotate 90 degrees clockwise to show".
exif = Image.Exif()
exif[0x0112] = 6
rgb.save(here / "turned.jpg", quality=90, exif=exif)
expected("turned.jpg", ImageOps.exif_transpose(Image.open(here / "turned.jpg")))

for name, image in [("rgba.png", rgba), ("grey-alpha.png", rgba.convert("LA"))]:
    image.save(here / name)
    expected(name, over_white(Image.open(here / name)))
palette = rgb.quantize(16)
palette.save(here / "palette.png", transparency=3)
expected("palette.png", over_white(Image.open(here / "palette.png")))

# Pillow writes no 16-bit colour; samples divided by 257 and rounded are expected.
def wide(value):
    return (value * 257 + 190) % 65536


wide_lines = [[[wide(v) for v in sample(x, y)] for x in range(WIDTH)] for y in range(HEIGHT)]
png("rgb16.png", 2, 16, [struct.pack(f">{WIDTH * 3}H", *sum(line, [])) for line in wide_lines])
(here / "rgb16.png.rgb").write_bytes(bytes((v * 2 + 257) // 514 for line in wide_lines for pixel in line for v in pixel))
png("grey16.png", 0, 16, [struct.pack(f">{WIDTH}H", *(pixel[0] for pixel in line)) for line in wide_lines])
(here / "grey16.png.rgb").write_bytes(
    bytes((pixel[0] * 2 + 257) // 514 for line in wide_lines for pixel in line for _ in range(3)))

# White, cyan, magenta and black: what comes out depends on a profile, so the test holds it to ranges.
cmyk = Image.new("CMYK", (32, 8))
inks = [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 0, 255)]
cmyk.putdata([inks[x // 8] for _ in range(8) for x in range(32)])
cmyk.save(here / "cmyk.jpg", quality=95)

frames = [Image.new("RGB", (16, 12), colour) for colour in ("#ff8000", "#0040ff", "#20c020")]
frames[0].save(here / "animated.gif", save_all=True, append_images=frames[1:], duration=50)
expected("animated.gif", frames[0])
frames[0].save(here / "animated.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
expected("animated.webp", frames[0])
rgb.resize((16, 12)).quantize(8).save(here / "still.gif")
expected("still.gif", Image.open(here / "still.gif"))

# 30000 x 30000 pixels of which not one line is there.
png("enormous.png", 2, 8, [], 30000, 30000)
