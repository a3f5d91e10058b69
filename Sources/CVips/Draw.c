#include <fontconfig/fontconfig.h>
#include <string.h>
#include <vips/vips.h>

#include "CVips.h"
#include "Guard.h"

int cvips_has_font(const char *family) {
  FcPattern *wanted = FcPatternBuild(NULL, FC_FAMILY, FcTypeString, family, NULL);
  FcObjectSet *names = FcObjectSetBuild(FC_FAMILY, NULL);
  FcFontSet *fonts = wanted && names ? FcFontList(NULL, wanted, names) : NULL;
  int is_there = fonts != NULL && fonts->nfont > 0;
  if (fonts) FcFontSetDestroy(fonts);
  if (names) FcObjectSetDestroy(names);
  if (wanted) FcPatternDestroy(wanted);
  return is_there;
}

// Evaluates a four-band 8-bit image into a sprite.
static int write_sprite(VipsImage *image, cvips_sprite *sprite) {
  if (image->Bands != 4 || image->BandFmt != VIPS_FORMAT_UCHAR) {
    vips_error("draw", "%d channels where 4 were expected", image->Bands);
    return -1;
  }
  // On this thread: `vips_image_write_to_memory` would start a worker for a few thousand pixels.
  VipsRegion *region = vips_region_new(image);
  if (!region) return -1;
  VipsRect all = {0, 0, image->Xsize, image->Ysize};
  const size_t line = (size_t)4 * all.width;
  if (vips_region_prepare(region, &all)) {
    g_object_unref(region);
    return -1;
  }
  *sprite = (cvips_sprite){g_malloc(line * all.height), all.width, all.height};
  for (int y = 0; y < all.height; y++) memcpy(sprite->pixels + line * y, VIPS_REGION_ADDR(region, 0, y), line);
  g_object_unref(region);
  return 0;
}

typedef struct {
  const char *markup, *font;
  int wrap_width;
  cvips_sprite *sprite;
} lettering;

static int text_body(void *argument) {
  lettering *work = argument;
  VipsImage *image = NULL;
  int failed = work->wrap_width > 0
                   ? vips_text(&image, work->markup, "font", work->font, "dpi", 72, "rgba", TRUE, "align",
                               VIPS_ALIGN_CENTRE, "width", work->wrap_width, NULL)
                   : vips_text(&image, work->markup, "font", work->font, "dpi", 72, "rgba", TRUE, NULL);
  if (failed) return -1;
  failed = write_sprite(image, work->sprite);
  g_object_unref(image);
  return failed;
}

int cvips_text(const char *markup, const char *font, int wrap_width, cvips_sprite *sprite, char *message,
               size_t capacity) {
  lettering work = {markup, font, wrap_width, sprite};
  return cvips_guarded(text_body, &work, message, capacity);
}

typedef struct {
  const cvips_sprite *sprite;
  double scale, degrees;
  cvips_sprite *turned;
} turning;

static int similarity_body(void *argument) {
  turning *work = argument;
  const cvips_sprite *sprite = work->sprite;
  VipsObject *scope = VIPS_OBJECT(vips_image_new());  // owns the steps between
  VipsImage **step = (VipsImage **)vips_object_local_array(scope, 5);
  step[0] = vips_image_new_from_memory(sprite->pixels, (size_t)4 * sprite->width * sprite->height, sprite->width,
                                       sprite->height, 4, VIPS_FORMAT_UCHAR);
  if (step[0]) step[0]->Type = VIPS_INTERPRETATION_sRGB;
  int failed = !step[0] || vips_premultiply(step[0], &step[1], NULL) ||
               vips_similarity(step[1], &step[2], "scale", work->scale, "angle", work->degrees, NULL) ||
               vips_unpremultiply(step[2], &step[3], NULL) || vips_cast_uchar(step[3], &step[4], NULL) ||
               write_sprite(step[4], work->turned);
  g_object_unref(scope);
  return failed ? -1 : 0;
}

int cvips_similarity(const cvips_sprite *sprite, double scale, double degrees, cvips_sprite *turned, char *message,
                     size_t capacity) {
  turning work = {sprite, scale, degrees, turned};
  return cvips_guarded(similarity_body, &work, message, capacity);
}
