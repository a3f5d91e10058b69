#include <vips/vips.h>

#include "CVips.h"
#include "Guard.h"

typedef struct {
  const uint8_t *pixels;
  int width, height;
  uint8_t *resized;
  int new_width, new_height;
} resizing;

static int resize_body(void *argument) {
  resizing *work = argument;
  VipsImage *image = vips_image_new_from_memory(work->pixels, (size_t)3 * work->width * work->height, work->width,
                                                work->height, 3, VIPS_FORMAT_UCHAR);
  if (!image) return -1;
  VipsImage *scaled = NULL, *exact = NULL;
  double across = (double)work->new_width / work->width, down = (double)work->new_height / work->height;
  int failed = vips_resize(image, &scaled, across, "vscale", down, "kernel", VIPS_KERNEL_CUBIC, NULL);
  g_object_unref(image);
  if (failed) return -1;
  // libvips rounds sizes its own way: the last row or column may be missing or one too many.
  failed = vips_embed(scaled, &exact, 0, 0, work->new_width, work->new_height, "extend", VIPS_EXTEND_COPY, NULL);
  g_object_unref(scaled);
  if (failed) return -1;
  VipsRect all = {0, 0, work->new_width, work->new_height};
  VipsRegion *region = vips_region_new(exact);
  failed = vips_region_prepare(region, &all);
  for (int row = 0; !failed && row < all.height; row++) {
    memcpy(work->resized + (size_t)3 * all.width * row, VIPS_REGION_ADDR(region, 0, row), (size_t)3 * all.width);
  }
  g_object_unref(region);
  g_object_unref(exact);
  return failed ? -1 : 0;
}

int cvips_resize(const uint8_t *pixels, int width, int height, uint8_t *resized, int new_width, int new_height,
                 char *message, size_t capacity) {
  resizing work = {pixels, width, height, resized, new_width, new_height};
  return cvips_guarded(resize_body, &work, message, capacity);
}
