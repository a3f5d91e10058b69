#include <tesseract/capi.h>

// Of the OpenMP runtime that libtesseract uses, whose header belongs to a compiler.
extern void omp_set_max_active_levels(int levels);
extern int omp_get_max_active_levels(void);
