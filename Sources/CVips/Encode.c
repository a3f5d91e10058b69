#include <vips/vips.h>

#include "CVips.h"
#include "Guard.h"

typedef struct {
  cvips_format format;
  const uint8_t *pixels;
  int width, height, max_side, quality;
  void *encoded;
  size_t length;
} encoding;

static int encode_body(void *argument) {
  encoding *work = argument;
  VipsImage *image = vips_image_new_from_memory(work->pixels, (size_t)3 * work->width * work->height, work->width,
                                                work->height, 3, VIPS_FORMAT_UCHAR);
  if (!image) return -1;
  image->Type = VIPS_INTERPRETATION_sRGB;
  int failed = 0;
  if (work->max_side > 0) {
    VipsImage *small = NULL;
    failed = vips_thumbnail_image(image, &small, work->max_side, "height", work->max_side, "size", VIPS_SIZE_DOWN,
                                  NULL);
    g_object_unref(image);
    image = small;
  }
  if (!failed) {
    failed = work->format == CVIPS_JPEG
                 ? vips_jpegsave_buffer(image, &work->encoded, &work->length, "Q", work->quality, "strip", TRUE, NULL)
                 : vips_pngsave_buffer(image, &work->encoded, &work->length, "strip", TRUE, NULL);
    g_object_unref(image);
  }
  return failed ? -1 : 0;
}

int cvips_encode(cvips_format format, const uint8_t *pixels, int width, int height, int max_side, int quality,
                 uint8_t **encoded, size_t *length, char *message, size_t capacity) {
  encoding work = {format, pixels, width, height, max_side, quality, NULL, 0};
  if (cvips_guarded(encode_body, &work, message, capacity) != 0) return -1;
  *encoded = work.encoded;
  *length = work.length;
  return 0;
}
