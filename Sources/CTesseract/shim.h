#include <tesseract/capi.h>

// Of the OpenMP runtime that libtesseract and libtorch share, whose header belongs to a compiler.
extern void GOMP_parallel(void (*body)(void *context), void *context, unsigned thread_count, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);

struct memesense_recognition {
  TessBaseAPI *engine;
  int status;
};

static void memesense_recognize_on_the_first(void *context) {
  struct memesense_recognition *recognition = (struct memesense_recognition *)context;
  if (omp_get_thread_num() == 0) recognition->status = TessBaseAPIRecognize(recognition->engine, NULL);
}

// TessBaseAPIRecognize on the calling thread alone. Tesseract asks for four threads at each step, whatever the process wants;
// within a team OpenMP gives it none, so it is called from one whose other thread does nothing. The other way,
// omp_set_max_active_levels(0), holds for the whole process: kernels of libtorch that meanwhile get one thread of the two they
// were laid out for wait for the other for ever, or leave half of their result unset.
static inline int memesense_recognize_alone(TessBaseAPI *engine) {
  struct memesense_recognition recognition = {engine, -1};
  GOMP_parallel(memesense_recognize_on_the_first, &recognition, 2, 0);
  return recognition.status;
}
