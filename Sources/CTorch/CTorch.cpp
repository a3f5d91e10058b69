#include "CTorch.h"
#include <torch/version.h>
int ct_version(void) { return TORCH_VERSION_MAJOR * 100 + TORCH_VERSION_MINOR; }
