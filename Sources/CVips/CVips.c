#include "CVips.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#include "Guard.h"

// libvips keeps one error buffer for the whole process. Work runs under the read side of this lock; what failed runs
// once more alone, under the write side, so that the message it leaves is its own.
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static int started = 0;

static void copy_message(char *message, size_t capacity) {
  const char *all = vips_error_buffer();
  size_t length = 0;
  // libvips stacks one line for each caller; the first is the cause.
  while (all[length] != '\0' && all[length] != '\n') length++;
  if (capacity == 0) return;
  if (length == 0) {
    all = "libvips gave no reason";
    length = strlen(all);
  }
  if (length > capacity - 1) length = capacity - 1;
  memcpy(message, all, length);
  message[length] = '\0';
}

int cvips_guarded(int (*body)(void *), void *argument, char *message, size_t capacity) {
  pthread_rwlock_rdlock(&gate);
  int result = body(argument);
  pthread_rwlock_unlock(&gate);
  if (result == 0) return 0;
  pthread_rwlock_wrlock(&gate);
  vips_error_clear();
  result = body(argument);
  if (result != 0) copy_message(message, capacity);
  vips_error_clear();
  pthread_rwlock_unlock(&gate);
  return result;
}

static void ignore_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data) {
  (void)domain, (void)level, (void)text, (void)data;
}

int cvips_start(int threads, char *message, size_t capacity) {
  pthread_rwlock_wrlock(&gate);
  int result = 0;
  if (!started) {
    // libvips looks for loadable modules (ImageMagick, Poppler, OpenSlide, HEIF, JPEG XL) below its home. None of
    // them is ever wanted here: without them it starts in 2 ms instead of 100, and their code stays out.
    g_setenv("VIPSHOME", "/nonexistent", TRUE);
    result = vips_init("memesense");
    if (result == 0) {
      vips_block_untrusted_set(TRUE);
      // No result is asked for twice, and a cached operation would keep a caller's buffer in use.
      vips_cache_set_max(0);
      // Warnings about odd metadata of people's files would land between the lines of the program.
      g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, ignore_log, NULL);
      started = 1;
    } else {
      copy_message(message, capacity);
    }
    g_unsetenv("VIPSHOME");
  }
  if (result == 0) vips_concurrency_set(threads);
  pthread_rwlock_unlock(&gate);
  return result;
}

void cvips_free(void *buffer) { g_free(buffer); }
