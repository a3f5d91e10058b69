"""Writes the fixtures of augmentation: one picture and what Pillow makes of it.

Run in this folder with Pillow and NumPy (made with Pillow 13.0.0 and numpy 2.4.6). Comparisons are exact.

- augmentation.bin: 3 × 20 × 27 samples of a picture of gradients, noise and plain areas, then those of every case in the
  order of augmentation.json, colours one after the other.
- augmentation.json: the name of each case, its numbers and the size of what comes out.

Colours, sharpness, affine maps and RandAugment's strengths are written down here from torchvision's published
documentation of what it calls in Pillow; torchvision itself is not needed.
"""
import json

import numpy
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

WIDTH, HEIGHT = 27, 20


def picture():
    rng = numpy.random.default_rng(5)
    x, y = numpy.meshgrid(numpy.linspace(0, 1, WIDTH), numpy.linspace(0, 1, HEIGHT))
    planes = numpy.stack([255 * x, 255 * y, 127 + 127 * numpy.sin(9 * x * y)], axis=-1)
    planes += rng.normal(0, 25, planes.shape)
    planes[:5, :9] = [250, 250, 250]
    planes[5:9, :9] = [0, 0, 0]
    planes[-6:, -8:] = rng.integers(0, 256, (6, 8, 3))
    return Image.fromarray(planes.clip(0, 255).astype(numpy.uint8), "RGB")


def hue(image, part):
    h, s, v = image.convert("HSV").split()
    turned = numpy.asarray(h, dtype=numpy.uint8) + numpy.array(int(part * 255)).astype(numpy.uint8)
    return Image.merge("HSV", (Image.fromarray(turned, "L"), s, v)).convert("RGB")


def moved(image, *matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=(0, 0, 0))


def seen(image, corners):
    """The map is found as torchvision finds it: least squares over four pairs of points in float64, rounded to float32."""
    right, bottom = image.width - 1, image.height - 1
    rows, values = [], []
    for (x, y), (fx, fy) in zip(corners, [(0, 0), (right, 0), (right, bottom), (0, bottom)]):
        rows += [[x, y, 1, 0, 0, 0, -fx * x, -fx * y], [0, 0, 0, x, y, 1, -fy * x, -fy * y]]
        values += [fx, fy]
    map = numpy.linalg.lstsq(numpy.array(rows, float), numpy.array(values, float))[0].astype(numpy.float32).tolist()
    return image.transform(image.size, Image.Transform.PERSPECTIVE, map, Image.Resampling.BILINEAR, fillcolor=(0, 0, 0))


def rand_augment(image, index, magnitude, sign):
    def linear(most):
        return sign * float(numpy.linspace(0.0, most, 31, dtype=numpy.float32)[magnitude])

    if index == 0:
        return image
    if index == 1:
        return moved(image, 1, linear(0.3), 0, 0, 1, 0)
    if index == 2:
        return moved(image, 1, 0, 0, linear(0.3), 1, 0)
    if index == 3:
        return moved(image, 1, 0, -int(linear(150 / 331 * image.width)), 0, 1, 0)
    if index == 4:
        return moved(image, 1, 0, 0, 0, 1, -int(linear(150 / 331 * image.height)))
    if index == 5:
        return image.rotate(linear(30), Image.Resampling.NEAREST, expand=False, fillcolor=(0, 0, 0))
    if index in (6, 7, 8, 9):
        enhance = [ImageEnhance.Brightness, ImageEnhance.Color, ImageEnhance.Contrast, ImageEnhance.Sharpness][index - 6]
        return enhance(image).enhance(1 + linear(0.9))
    if index == 10:
        return ImageOps.posterize(image, 8 - round(magnitude / 7.5))
    if index == 11:
        return ImageOps.solarize(image, 255 - linear(255) * sign)
    if index == 12:
        return ImageOps.autocontrast(image)
    return ImageOps.equalize(image)


def cases(image):
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    for name, filter in filters.items():
        for size in [(14, 9), (40, 33), (27, 7), (5, 20), (1, 1)]:
            yield name, list(size), image.resize(size, filter)
    for box in [(3, 2, 20, 15), (0, 0, 27, 20), (26, 19, 1, 1)]:
        left, top, width, height = box
        yield "crop", list(box), image.crop((left, top, left + width, top + height)).resize((12, 12), Image.Resampling.BICUBIC)
    yield "horizontal_flip", [], image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    yield "vertical_flip", [], image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    yield "grey", [], image.convert("L").convert("RGB")
    for factor in [0, 0.2, 0.63, 1, 1.37, 1.8]:
        yield "brightness", [factor], ImageEnhance.Brightness(image).enhance(factor)
        yield "contrast", [factor], ImageEnhance.Contrast(image).enhance(factor)
        yield "saturation", [factor], ImageEnhance.Color(image).enhance(factor)
        yield "sharpness", [factor], ImageEnhance.Sharpness(image).enhance(factor)
    for part in [-0.5, -0.2, -0.003, 0, 0.1, 0.2, 0.5]:
        yield "hue", [part], hue(image, part)
    for deviation in [0.1, 0.4, 0.7, 1, 1.5, 2, 6]:
        yield "blur", [deviation], image.filter(ImageFilter.GaussianBlur(deviation))
    for threshold in [0, 128, 178.5, 256]:
        yield "solarize", [threshold], ImageOps.solarize(image, threshold)
    for bits in [1, 4, 8]:
        yield "posterize", [bits], ImageOps.posterize(image, bits)
    for degrees in [0, 3, -17.3, 90, 180, 359]:
        yield "turn", [degrees], image.rotate(degrees, Image.Resampling.NEAREST, expand=False, fillcolor=(0, 0, 0))
    for index in range(14):
        for magnitude, sign in [(9, 1), (9, -1), (30, 1)]:
            yield "rand_augment", [index, magnitude, sign], rand_augment(image, index, magnitude, sign)
    for corners in [
        [(2, 1), (25, 0), (24, 18), (1, 18)],
        [(0, 4), (26, 0), (26, 19), (0, 12)],
        [(6, 0), (20, 0), (26, 19), (0, 19)],
        [(6, 4), (19, 5), (26, 15), (1, 19)],
    ]:
        yield "perspective", [number for corner in corners for number in corner], seen(image, corners)


def samples(image):
    return numpy.asarray(image).transpose(2, 0, 1).tobytes()


image = picture()
with open("augmentation.bin", "wb") as file:
    file.write(samples(image))
    entries = []
    for name, numbers, result in cases(image):
        file.write(samples(result))
        entries.append({"name": name, "numbers": numbers, "width": result.width, "height": result.height})
with open("augmentation.json", "w", encoding="utf-8", newline="\n") as file:
    json.dump({"width": WIDTH, "height": HEIGHT, "cases": entries}, file, separators=(",", ":"))
    file.write("\n")
