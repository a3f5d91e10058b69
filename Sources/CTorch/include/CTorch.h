// C interface to libtorch: the only C++ of the project stands behind it.
//
// Every function returns CT_OK, or after a failure another status; ct_last_error() of the same thread then says why, in
// libtorch's own words. No exception crosses this boundary. Handles are owned by the caller and released with the
// function named beside their type.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;        // ct_tensor_release
typedef struct ct_generator ct_generator;  // ct_generator_release
typedef struct ct_operator ct_operator;    // lives as long as the process
typedef struct ct_inference_scope ct_inference_scope;
typedef struct ct_autocast_scope ct_autocast_scope;

typedef enum {
  CT_OK = 0,
  CT_FAILED,
  CT_OUT_OF_MEMORY,  // of the processor or of a GPU
} ct_status;

// What a ct_value holds.
typedef enum {
  CT_NONE = 0,
  CT_TENSOR,
  CT_TENSORS,
  CT_INT,
  CT_INTS,
  CT_DOUBLE,
  CT_DOUBLES,
  CT_BOOL,
  CT_STRING,
  CT_DEVICE,
  CT_GENERATOR,
} ct_kind;

// One argument or result of an operator.
// Scalars stand in `integer` (also bool, dtype and device) or `real`. Lists, tensors, strings and generators stand in
// the pools of ct_pools from `integer` on, `count` of them, so that a call needs no pointer inside a value.
typedef struct {
  int32_t kind;
  int32_t count;
  int64_t integer;
  double real;
} ct_value;

typedef struct {
  const int64_t *integers;
  const double *reals;
  ct_tensor *const *tensors;  // NULL entries are absent optional tensors
  ct_generator *const *generators;
  const char *characters;
} ct_pools;

const char *ct_last_error(void);

// --- process -------------------------------------------------------------------------------------------------------

// Prepares the process: the allocator keeps freed pages (page faults cost half the speed of convolutions otherwise).
void ct_initialize(void);
// Gives freed pages back to the system, for moments between two kinds of work that need memory of different sizes.
void ct_release_free_memory(void);
// The libtorch version this was compiled against, as "2.13.0".
const char *ct_version(void);
// The widest instruction set libtorch's kernels use here, as "AVX512".
const char *ct_cpu_capability(void);
// Whether this processor multiplies bfloat16 in hardware; where not, float32 is faster.
bool ct_cpu_multiplies_bfloat16(void);
int32_t ct_cuda_device_count(void);
int32_t ct_thread_count(void);
// Sets the intra-operator threads of the calling thread, which no other changes, and of threads that have not computed yet.
ct_status ct_set_thread_count(int32_t count);

// --- operators -----------------------------------------------------------------------------------------------------

// Finds "aten::add" with overload "Tensor" in the dispatcher.
ct_status ct_operator_find(const char *name, const char *overload, ct_operator **out);
// Calls an operator. Missing trailing arguments take the schema's defaults. Tensors in `results` are new handles; a
// list of tensors takes one entry each. `result_count` says how many entries were written, at most `capacity`.
ct_status ct_operator_call(const ct_operator *op, const ct_value *arguments, int32_t argument_count, ct_pools pools,
                           ct_value *results, ct_tensor **result_tensors, int32_t capacity, int32_t *result_count);

// --- tensors -------------------------------------------------------------------------------------------------------

// A device is `-1` for the CPU, `-2` for shapes without values (libtorch's meta device), or the index of a CUDA device.
ct_status ct_tensor_empty(const int64_t *shape, int32_t rank, int32_t dtype, int32_t device, ct_tensor **out);
// Wraps memory of the caller without copying; `release(context)` runs when the last user is gone.
ct_status ct_tensor_wrap(void *data, const int64_t *shape, const int64_t *strides, int32_t rank, int32_t dtype,
                         void (*release)(void *context), void *context, ct_tensor **out);
void ct_tensor_release(ct_tensor *tensor);
int32_t ct_tensor_rank(const ct_tensor *tensor);
void ct_tensor_shape(const ct_tensor *tensor, int64_t *out);
void ct_tensor_strides(const ct_tensor *tensor, int64_t *out);
int64_t ct_tensor_element_count(const ct_tensor *tensor);
int32_t ct_tensor_dtype(const ct_tensor *tensor);
int32_t ct_tensor_device(const ct_tensor *tensor);
bool ct_tensor_is_contiguous(const ct_tensor *tensor);
// Whether the elements fill one stretch of memory, in whatever order of dimensions.
bool ct_tensor_is_dense(const ct_tensor *tensor);
// The address of element 0; for CPU tensors only.
void *ct_tensor_data(const ct_tensor *tensor);
// Copies a tensor of any device and layout to `count` bytes of row-major memory.
ct_status ct_tensor_copy_out(const ct_tensor *tensor, void *out, size_t count);
ct_status ct_tensor_to(const ct_tensor *tensor, int32_t dtype, int32_t device, bool channels_last, ct_tensor **out);

// --- autograd ------------------------------------------------------------------------------------------------------

bool ct_tensor_requires_grad(const ct_tensor *tensor);
ct_status ct_tensor_set_requires_grad(ct_tensor *tensor, bool value);
// Writes NULL when the tensor has no gradient.
ct_status ct_tensor_grad(const ct_tensor *tensor, ct_tensor **out);
// Sets or, with NULL, drops the gradient.
ct_status ct_tensor_set_grad(ct_tensor *tensor, const ct_tensor *grad);
// Lets the tensor, a leaf, go on with the memory, shape and type of `data`.
ct_status ct_tensor_set_data(ct_tensor *tensor, const ct_tensor *data);
ct_status ct_backward(const ct_tensor *loss, const ct_tensor *gradient);
bool ct_grad_is_enabled(void);
void ct_set_grad_enabled(bool enabled);
// Enters a scope with neither graph nor version counters; leave it on the same thread, innermost first.
ct_inference_scope *ct_inference_scope_enter(void);
void ct_inference_scope_leave(ct_inference_scope *scope);

// Enters a scope in which matrix products and convolutions of one device run in `dtype`; what needs more precision
// stays in float32. Leave it on the same thread, before the next optimizer step: it holds converted weights.
ct_autocast_scope *ct_autocast_scope_enter(int32_t device, int32_t dtype);
void ct_autocast_scope_leave(ct_autocast_scope *scope);

// Results of a ct_recomputed_body.
typedef struct ct_tensors ct_tensors;
// Appends another reference to a tensor.
void ct_tensors_add(ct_tensors *tensors, const ct_tensor *tensor);

// Computes results from `inputs`, of which it owns the handles but not the list. `is_again` is true in the backward pass.
typedef void (*ct_recomputed_body)(void *context, bool is_again, ct_tensor *const *inputs, int32_t input_count,
                                   ct_tensors *results);

// Computes what `body` makes of `inputs` without keeping what lies between: the backward pass computes it again, in the
// same mixed precision, and propagates through that. `parameters` are what `body` reads beside and gradients are wanted
// of. `release(context)` runs when no backward pass can come any more. Writes at most `capacity` new handles.
ct_status ct_recomputed(ct_tensor *const *inputs, int32_t input_count, ct_tensor *const *parameters,
                        int32_t parameter_count, ct_recomputed_body body, void (*release)(void *context), void *context,
                        ct_tensor **results, int32_t capacity, int32_t *result_count);

// --- products ------------------------------------------------------------------------------------------------------

// `rows` [..., I] times the transpose of `matrix` [O, I], plus `bias` [O] or, with NULL, nothing: aten::linear by the
// fastest kernel that this processor has for it.
ct_status ct_linear(const ct_tensor *rows, const ct_tensor *matrix, const ct_tensor *bias, ct_tensor **out);

// --- optimizers ----------------------------------------------------------------------------------------------------

// What a step of Adam reads and changes: float32 tensors on the CPU, dense and of the parameter's shape and order of
// dimensions, but for the gradient, which is put into that order. With `working`, the bfloat16 copy that products read,
// the gradient is bfloat16 too and the copy is written in the same pass; else NULL.
typedef struct {
  ct_tensor *parameter;
  ct_tensor *working;
  const ct_tensor *gradient;
  ct_tensor *first_moment;
  ct_tensor *second_moment;
} ct_adam_tensors;

typedef struct {
  double step;  // counted from 1
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;
  bool is_decoupled;  // AdamW: the weight shrinks; else the decay is added to the gradient
} ct_adam_rule;

// Takes one step of Adam or AdamW in one pass over memory.
ct_status ct_adam_step(const ct_adam_tensors *tensors, const ct_adam_rule *rule);

// --- random numbers ------------------------------------------------------------------------------------------------

ct_status ct_generator_make(uint64_t seed, int32_t device, ct_generator **out);
void ct_generator_release(ct_generator *generator);
// A generator that will give the numbers that this one would.
ct_status ct_generator_copy(const ct_generator *generator, ct_generator **out);

#ifdef __cplusplus
}
#endif
#endif
