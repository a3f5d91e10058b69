#include <string.h>
#include <vips/vips.h>

#include "CVips.h"
#include "Guard.h"

struct cvips_image {
  const void *bytes;
  size_t length;
  cvips_format format;
  int width, height;  // upright
  int shrink;         // how many pixels of a side become one while a JPEG is decoded: 1, 2, 4 or 8
  VipsImage *source;  // as the file has it, not yet turned upright; NULL once its pixels were asked for
};

// Opens the loader of the sniffed format, never one that libvips would choose.
static VipsImage *open_source(const cvips_image *image) {
  VipsImage *source = NULL;
  void *bytes = (void *)image->bytes;
  int failed = -1;
  switch (image->format) {
    case CVIPS_JPEG:
      failed = vips_jpegload_buffer(bytes, image->length, &source, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                    VIPS_FAIL_ON_TRUNCATED, "shrink", image->shrink, NULL);
      break;
    case CVIPS_PNG:
      failed = vips_pngload_buffer(bytes, image->length, &source, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                   VIPS_FAIL_ON_TRUNCATED, NULL);
      break;
    case CVIPS_WEBP:
      failed = vips_webpload_buffer(bytes, image->length, &source, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                    VIPS_FAIL_ON_TRUNCATED, NULL);
      break;
    case CVIPS_GIF:
      failed = vips_gifload_buffer(bytes, image->length, &source, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                   VIPS_FAIL_ON_TRUNCATED, NULL);
      break;
  }
  return failed ? NULL : source;
}

static int open_body(void *argument) {
  cvips_image *image = argument;
  image->source = open_source(image);
  return image->source ? 0 : -1;
}

static int open_upright(cvips_image *image, char *message, size_t capacity) {
  if (cvips_guarded(open_body, image, message, capacity) != 0) return -1;
  int sideways = vips_image_get_orientation_swap(image->source);
  image->width = sideways ? image->source->Ysize : image->source->Xsize;
  image->height = sideways ? image->source->Xsize : image->source->Ysize;
  return 0;
}

int cvips_open(const void *bytes, size_t length, cvips_format format, cvips_image **image, cvips_header *header,
               char *message, size_t capacity) {
  cvips_image *opened = g_new0(cvips_image, 1);
  *opened = (cvips_image){.bytes = bytes, .length = length, .format = format, .shrink = 1};
  if (open_upright(opened, message, capacity) != 0) {
    g_free(opened);
    return -1;
  }
  *header = (cvips_header){opened->width, opened->height, vips_image_get_n_pages(opened->source)};
  *image = opened;
  return 0;
}

int cvips_shrink(cvips_image *image, int least_side, int32_t *width, int32_t *height, char *message, size_t capacity) {
  int shrink = 8;
  while (shrink > 1 && VIPS_MIN(image->width, image->height) / shrink < least_side) shrink /= 2;
  if (image->format == CVIPS_JPEG && shrink > 1) {
    g_object_unref(image->source);
    image->source = NULL;
    image->shrink = shrink;
    if (open_upright(image, message, capacity) != 0) return -1;
  }
  *width = image->width;
  *height = image->height;
  return 0;
}

void cvips_close(cvips_image *image) {
  if (image->source) g_object_unref(image->source);
  g_free(image);
}

// Replaces `*image` by `next`, which is NULL where a step failed.
static int take(VipsImage **image, VipsImage *next) {
  if (!next) return -1;
  g_object_unref(*image);
  *image = next;
  return 0;
}

// Turns `*image` as its EXIF orientation says.
static int turn_upright(VipsImage **image) {
  // Turning reads out of order, which a sequential loader cannot serve.
  if (take(image, vips_image_copy_memory(*image))) return -1;
  VipsImage *upright = NULL;
  if (vips_autorot(*image, &upright, NULL)) return -1;
  return take(image, upright);
}

static int convert_inks(VipsImage **image) {
  VipsImage *colours = NULL;
  if (vips_icc_transform(*image, &colours, "srgb", "embedded", TRUE, "input_profile", "cmyk", NULL)) return -1;
  return take(image, colours);
}

// Upright, and grey or RGB, with or without alpha, 8 or 16 bits.
static int normalise(VipsImage **image) {
  if (vips_image_get_orientation(*image) > 1 && turn_upright(image)) return -1;
  if ((*image)->Type == VIPS_INTERPRETATION_CMYK && convert_inks(image)) return -1;
  int is_known = (*image)->Bands >= 1 && (*image)->Bands <= 4 &&
                 ((*image)->BandFmt == VIPS_FORMAT_UCHAR || (*image)->BandFmt == VIPS_FORMAT_USHORT) &&
                 (*image)->Coding == VIPS_CODING_NONE;
  if (!is_known) {
    vips_error("decode", "%d channels of %s are no grey or RGB picture", (*image)->Bands,
               vips_enum_nick(VIPS_TYPE_BAND_FORMAT, (*image)->BandFmt));
    return -1;
  }
  return 0;
}

// One line of grey or RGB samples, alpha laid over white. `LARGEST` is 255 or 65535; results are rounded.
#define WRITE_LINE(NAME, SAMPLE, LARGEST)                                                                    \
  static void NAME(uint8_t *out, const SAMPLE *in, int width, int bands) {                                   \
    const int colours = bands < 3 ? 1 : 3, has_alpha = bands == 2 || bands == 4;                             \
    for (int x = 0; x < width; x++, in += bands, out += 3) {                                                 \
      const uint64_t alpha = has_alpha ? in[colours] : LARGEST;                                              \
      for (int c = 0; c < 3; c++) {                                                                          \
        const uint64_t sum = in[colours == 3 ? c : 0] * alpha + (uint64_t)LARGEST * (LARGEST - alpha);       \
        out[c] = (uint8_t)((sum * 255 + (uint64_t)LARGEST * LARGEST / 2) / ((uint64_t)LARGEST * LARGEST));   \
      }                                                                                                      \
    }                                                                                                        \
  }
WRITE_LINE(write_line_8, uint8_t, 255)
WRITE_LINE(write_line_16, uint16_t, 65535)

typedef struct {
  cvips_image *image;
  uint8_t *pixels;
} reading;

static int copy_lines(VipsImage *image, uint8_t *pixels) {
  VipsRegion *region = vips_region_new(image);
  if (!region) return -1;
  const int width = image->Xsize, bands = image->Bands;
  // Filling a region on this thread costs half of what `vips_image_write_to_memory` does with its worker.
  for (int top = 0; top < image->Ysize; top += 16) {
    VipsRect strip = {0, top, width, VIPS_MIN(16, image->Ysize - top)};
    if (vips_region_prepare(region, &strip)) {
      g_object_unref(region);
      return -1;
    }
    for (int y = top; y < top + strip.height; y++) {
      uint8_t *out = pixels + (size_t)3 * width * y;
      const void *in = VIPS_REGION_ADDR(region, 0, y);
      if (image->BandFmt == VIPS_FORMAT_USHORT) write_line_16(out, in, width, bands);
      else if (bands == 3) memcpy(out, in, (size_t)3 * width);
      else write_line_8(out, in, width, bands);
    }
  }
  g_object_unref(region);
  return 0;
}

static int read_body(void *argument) {
  reading *work = argument;
  VipsImage *image = work->image->source ? work->image->source : open_source(work->image);
  work->image->source = NULL;  // sequential: it can be read once
  if (!image) return -1;
  int failed = normalise(&image);
  if (!failed && (image->Xsize != work->image->width || image->Ysize != work->image->height)) {
    // The caller's memory was made for what the header said.
    vips_error("decode", "%d x %d pixels where the header says %d x %d", image->Xsize, image->Ysize,
               work->image->width, work->image->height);
    failed = -1;
  }
  if (!failed) failed = copy_lines(image, work->pixels);
  g_object_unref(image);
  return failed ? -1 : 0;
}

int cvips_read(cvips_image *image, uint8_t *pixels, char *message, size_t capacity) {
  reading work = {image, pixels};
  return cvips_guarded(read_body, &work, message, capacity);
}
