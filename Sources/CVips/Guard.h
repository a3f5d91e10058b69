// Running libvips calls so that each failure gets its own message.
#ifndef CVIPS_GUARD_H
#define CVIPS_GUARD_H

#include <stddef.h>

// Calls `body(argument)`, which returns 0 or -1 and can be called twice with the same effect as once.
int cvips_guarded(int (*body)(void *), void *argument, char *message, size_t capacity);


#endif
