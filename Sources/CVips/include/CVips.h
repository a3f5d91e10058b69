// The C face of libvips, whose own functions take variable arguments that Swift cannot pass.
//
// Every function returns 0, or -1 with a sentence in `message` (always terminated, cut at `capacity`). All may be
// called from several threads at once. Buffers handed out belong to the caller, who gives them to `cvips_free`.
#ifndef CVIPS_H
#define CVIPS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Starts libvips with `threads` workers for one operation. Call it once, before anything else.
int cvips_start(int threads, char *message, size_t capacity);

void cvips_free(void *buffer);

// MARK: Decoding

typedef enum { CVIPS_JPEG, CVIPS_PNG, CVIPS_WEBP, CVIPS_GIF } cvips_format;

typedef struct {
  int32_t width, height;  // upright, that is after the EXIF orientation
  int32_t frames;
} cvips_header;

// An encoded image whose header has been read and whose pixels have not.
typedef struct cvips_image cvips_image;

// `bytes` must stay valid until `cvips_close`.
int cvips_open(const void *bytes, size_t length, cvips_format format, cvips_image **image, cvips_header *header,
               char *message, size_t capacity);

// Lets a JPEG be decoded at a half, a quarter or an eighth of its size, which saves most of the work, as long as both
// sides keep `least_side` pixels; other formats stay as they are. Sets the size that `cvips_read` then gives.
int cvips_shrink(cvips_image *image, int least_side, int32_t *width, int32_t *height, char *message, size_t capacity);

// Decodes the first frame into `pixels`, [height, width, 3] sRGB bytes, upright, alpha laid over white.
int cvips_read(cvips_image *image, uint8_t *pixels, char *message, size_t capacity);

void cvips_close(cvips_image *image);

// MARK: Encoding

// Encodes `pixels`, [height, width, 3] sRGB bytes, as JPEG (`quality` 1 to 100) or PNG, without metadata.
// A picture whose longer side exceeds `max_side` is shrunk to it first; 0 leaves every size as it is.
int cvips_encode(cvips_format format, const uint8_t *pixels, int width, int height, int max_side, int quality,
                 uint8_t **encoded, size_t *length, char *message, size_t capacity);

// MARK: Resizing

// Resizes `pixels`, [height, width, 3] sRGB bytes, by cubic interpolation into `resized`, [new_height, new_width, 3].
int cvips_resize(const uint8_t *pixels, int width, int height, uint8_t *resized, int new_width, int new_height,
                 char *message, size_t capacity);

// MARK: Drawing

// A picture with straight (not premultiplied) alpha: [height, width, 4] sRGB bytes.
typedef struct {
  uint8_t *pixels;
  int32_t width, height;
} cvips_sprite;

// Whether fontconfig knows a font family of exactly this name.
int cvips_has_font(const char *family);

// Renders Pango markup, centred, at 72 dots per inch; lines break at `wrap_width` pixels, or nowhere when it is 0.
int cvips_text(const char *markup, const char *font, int wrap_width, cvips_sprite *sprite, char *message,
               size_t capacity);

// Scales a sprite and turns it clockwise by `degrees`; the result is as large as it has to be.
int cvips_similarity(const cvips_sprite *sprite, double scale, double degrees, cvips_sprite *turned, char *message,
                     size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
