#include "CTorch.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR < 11 || TORCH_VERSION_MINOR > 13
#error "MemeSense needs libtorch 2.11 to 2.13: run Scripts/setup, or point LIBTORCH at one of these"
#endif

struct ct_tensor {
  at::Tensor value;
};
struct ct_generator {
  at::Generator value;
};
struct ct_operator {
  c10::OperatorHandle value;
};
struct ct_tensors {
  std::vector<at::Tensor> values;
};
struct ct_inference_scope {
  c10::InferenceMode mode;
};
struct ct_autocast_scope {
  c10::DeviceType device;
  bool was_enabled;
  bool was_cached;
  c10::ScalarType previous_dtype;
};

namespace {

thread_local std::string last_error;

// A GPU's allocator throws a type of its own where memory runs out; the processor's and CUDA itself have only words for it.
bool is_of_memory(const c10::Error &error) {
  const auto says = [&](const char *words) { return error.msg().find(words) != std::string::npos; };
  return dynamic_cast<const c10::OutOfMemoryError *>(&error) != nullptr || says("can't allocate memory") ||
         says("CUDA error: out of memory");
}

// Runs `body` and turns whatever it throws into a status and a message.
template <typename Body>
ct_status guarded(Body &&body) noexcept {
  try {
    body();
    return CT_OK;
  } catch (const c10::Error &error) {
    last_error = error.what_without_backtrace();
    if (is_of_memory(error)) return CT_OUT_OF_MEMORY;
  } catch (const std::bad_alloc &) {
    last_error = "the system gives no more memory";
    return CT_OUT_OF_MEMORY;
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "libtorch threw something that is no std::exception";
  }
  return CT_FAILED;
}

ct_tensor *owned(at::Tensor tensor) { return new ct_tensor{std::move(tensor)}; }

c10::Device device_of(int64_t index) {
  if (index == -2) return c10::Device(c10::kMeta);
  return index < 0 ? c10::Device(c10::kCPU) : c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

int32_t index_of(c10::Device device) { return device.is_cpu() ? -1 : device.is_meta() ? -2 : device.index(); }

at::Tensor tensor_at(const ct_pools &pools, int64_t offset) {
  const ct_tensor *tensor = pools.tensors[offset];
  return tensor == nullptr ? at::Tensor() : tensor->value;
}

// Lists take their element type from the operator's schema: the same integers may stand for int[], SymInt[] or float[].
c10::IValue list_value(const ct_value &value, const ct_pools &pools, const c10::TypePtr &element) {
  auto list = c10::impl::GenericList(element);
  list.reserve(value.count);
  const bool wants_reals = element->kind() == c10::TypeKind::FloatType;
  for (int64_t i = value.integer; i < value.integer + value.count; ++i) {
    switch (value.kind) {
      case CT_TENSORS: {
        auto tensor = tensor_at(pools, i);
        list.push_back(tensor.defined() ? c10::IValue(tensor) : c10::IValue());
        break;
      }
      case CT_DOUBLES: list.push_back(c10::IValue(pools.reals[i])); break;
      default:
        list.push_back(wants_reals ? c10::IValue(static_cast<double>(pools.integers[i])) : c10::IValue(pools.integers[i]));
    }
  }
  return list;
}

c10::IValue boxed(const ct_value &value, const ct_pools &pools, const c10::TypePtr &type) {
  if (value.kind == CT_NONE) return c10::IValue();
  if (type->kind() == c10::TypeKind::OptionalType) {
    return boxed(value, pools, type->expectRef<c10::OptionalType>().getElementType());
  }
  switch (value.kind) {
    case CT_TENSOR: return c10::IValue(tensor_at(pools, value.integer));
    case CT_INT:
      return type->kind() == c10::TypeKind::FloatType ? c10::IValue(static_cast<double>(value.integer))
                                                      : c10::IValue(value.integer);
    case CT_DOUBLE: return c10::IValue(value.real);
    case CT_BOOL: return c10::IValue(value.integer != 0);
    case CT_STRING: return c10::IValue(std::string(pools.characters + value.integer, value.count));
    case CT_DEVICE: return c10::IValue(device_of(value.integer));
    case CT_GENERATOR: return c10::IValue(pools.generators[value.integer]->value);
    default: return list_value(value, pools, type->expectRef<c10::ListType>().getElementType());
  }
}

// Appends results one by one and refuses to write past the caller's memory.
class ResultWriter {
 public:
  ResultWriter(ct_value *values, ct_tensor **tensors, int32_t capacity)
      : values_(values), tensors_(tensors), capacity_(capacity) {}

  void write(const c10::IValue &result) {
    if (result.isTensorList() || result.isTuple()) {
      if (result.isTuple()) {
        for (const auto &element : result.toTupleRef().elements()) write(element);
      } else {
        for (const at::Tensor &element : result.toTensorVector()) write(c10::IValue(element));
      }
      return;
    }
    TORCH_CHECK(count_ < capacity_, "the operator has more than ", capacity_, " results");
    ct_value value{CT_NONE, 1, 0, 0};
    tensors_[count_] = nullptr;
    if (result.isTensor()) {
      value.kind = CT_TENSOR;
      tensors_[count_] = owned(result.toTensor());
    } else if (result.isInt()) {
      value.kind = CT_INT;
      value.integer = result.toInt();
    } else if (result.isDouble()) {
      value.kind = CT_DOUBLE;
      value.real = result.toDouble();
    } else if (result.isBool()) {
      value.kind = CT_BOOL;
      value.integer = result.toBool();
    } else {
      TORCH_CHECK(result.isNone(), "a result of type ", result.tagKind(), " cannot be returned");
    }
    values_[count_++] = value;
  }

  int32_t count() const { return count_; }

  void discard() {
    for (int32_t i = 0; i < count_; ++i) delete tensors_[i];
    count_ = 0;
  }

 private:
  ct_value *values_;
  ct_tensor **tensors_;
  int32_t capacity_;
  int32_t count_ = 0;
};

// The loop below is compiled for each width of vectors, and the widest that the processor has is taken at run time.
#if defined(__x86_64__)
#define CT_EVERY_VECTOR_WIDTH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CT_EVERY_VECTOR_WIDTH
#endif

float widened(float value) { return value; }

float widened(uint16_t bfloat16) { return std::bit_cast<float>(static_cast<uint32_t>(bfloat16) << 16); }

// Rounds to the nearest bfloat16, ties to even, without a branch.
uint16_t narrowed(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>(value == value ? rounded : 0x7fc0);
}

struct AdamConstants {
  float step_size, beta2, one_minus_beta1, one_minus_beta2, inverse_correction2, epsilon, l2, shrinkage;
};

struct AdamMemory {
  float *parameter, *first_moment, *second_moment;
  const void *gradient;
  uint16_t *working;
};

// All that a step reads and writes passes through the processor once: memory, not arithmetic, bounds it.
template <typename Gradient, bool has_working>
__attribute__((always_inline)) inline void adam_range(const AdamMemory &memory, const AdamConstants &c, int64_t begin,
                                                      int64_t end) {
  const auto *__restrict gradient = static_cast<const Gradient *>(memory.gradient);
  float *__restrict parameter = memory.parameter;
  float *__restrict first = memory.first_moment;
  float *__restrict second = memory.second_moment;
  uint16_t *__restrict working = memory.working;
#pragma clang loop vectorize(enable)
  for (int64_t i = begin; i < end; ++i) {
    const float weight = parameter[i];
    const float slope = widened(gradient[i]) + c.l2 * weight;
    const float m = first[i] + c.one_minus_beta1 * (slope - first[i]);
    const float v = c.beta2 * second[i] + c.one_minus_beta2 * slope * slope;
    const float next =
        c.shrinkage * weight - c.step_size * m / (__builtin_elementwise_sqrt(v) * c.inverse_correction2 + c.epsilon);
    first[i] = m;
    second[i] = v;
    parameter[i] = next;
    if constexpr (has_working) working[i] = narrowed(next);
  }
}

CT_EVERY_VECTOR_WIDTH void adam_float32(const AdamMemory &memory, const AdamConstants &constants, int64_t begin, int64_t end) {
  adam_range<float, false>(memory, constants, begin, end);
}

CT_EVERY_VECTOR_WIDTH void adam_bfloat16(const AdamMemory &memory, const AdamConstants &constants, int64_t begin, int64_t end) {
  adam_range<uint16_t, true>(memory, constants, begin, end);
}

// oneDNN's product of rows [..., I] and a matrix [O, I], of any strides, plus `bias` [O] where there is one.
at::Tensor product(const at::Tensor &rows, const at::Tensor &matrix, const std::optional<at::Tensor> &bias) {
  using Scalars = c10::List<std::optional<at::Scalar>>;
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
          .typed<at::Tensor(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, std::string_view,
                            Scalars, std::optional<std::string_view>)>();
  at::AutoDispatchBelowADInplaceOrView without_graph;
  return op.call(rows, matrix, bias, "none", Scalars(), "");
}

// `product` in training. Its gradient leaves no graph: nothing here is differentiated twice.
class Product : public torch::autograd::Function<Product> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &rows, const at::Tensor &matrix,
                            const std::optional<at::Tensor> &bias) {
    ctx->save_for_backward({rows, matrix});
    ctx->saved_data["has_bias"] = bias.has_value();
    return product(rows, matrix, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *ctx,
                                                 const torch::autograd::variable_list &gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &rows = saved[0], &matrix = saved[1];
    const auto gradient = gradients[0].reshape({-1, matrix.size(0)});
    torch::autograd::variable_list all(3);
    if (ctx->needs_input_grad(0)) all[0] = product(gradient, matrix.t(), std::nullopt).view(rows.sizes());
    if (ctx->needs_input_grad(1)) {
      all[1] = product(gradient.t(), rows.reshape({-1, matrix.size(1)}).t(), std::nullopt);
    }
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2)) all[2] = gradient.sum(0);
    return all;
  }
};

// Whether oneDNN multiplies these, float32 rows and a matrix, sooner than MKL, which libtorch takes: on AMD's processors MKL
// uses no AVX-512, and half their speed is lost. Of small or narrow products little is gained or lost.
bool is_multiplied_by_onednn(const at::Tensor &rows, const at::Tensor &matrix) {
#if defined(__x86_64__)
  static const bool has_kernels = __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f") && at::globalContext().hasMKLDNN();
#else
  constexpr bool has_kernels = false;
#endif
  const auto is_plain = [](const at::Tensor &tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat; };
  if (!has_kernels || !is_plain(rows) || !is_plain(matrix) || rows.dim() < 2 || matrix.dim() != 2 ||
      rows.size(-1) != matrix.size(1) || at::autocast::is_autocast_enabled(at::kCPU)) {
    return false;
  }
  const int64_t narrowest = 16, smallest = 1 << 20;
  const int64_t count = rows.numel() / std::max<int64_t>(1, matrix.size(1));
  return std::min({count, matrix.size(0), matrix.size(1)}) >= narrowest && count * matrix.numel() >= smallest;
}

// What a recomputed part runs, and the mixed precision it ran in first.
struct RecomputedBody : torch::CustomClassHolder {
  struct Precision {
    c10::DeviceType device;
    bool is_enabled;
    c10::ScalarType dtype;
  };

  ct_recomputed_body body;
  void (*release)(void *);
  void *context;
  std::vector<Precision> precisions;

  RecomputedBody(ct_recomputed_body body, void (*release)(void *), void *context)
      : body(body), release(release), context(context) {
    for (auto device : {c10::kCPU, c10::kCUDA}) {
      precisions.push_back({device, at::autocast::is_autocast_enabled(device), at::autocast::get_autocast_dtype(device)});
    }
  }

  RecomputedBody(const RecomputedBody &) = delete;
  RecomputedBody &operator=(const RecomputedBody &) = delete;
  ~RecomputedBody() override { release(context); }

  torch::autograd::variable_list run(at::TensorList inputs, bool is_again) const {
    std::vector<ct_tensor *> handles;
    for (const auto &input : inputs) handles.push_back(owned(input));
    ct_tensors results;
    body(context, is_again, handles.data(), static_cast<int32_t>(handles.size()), &results);
    return std::move(results.values);
  }
};

// Mixed precision as it was when a part ran first. Conversions of weights are not kept: those of the first run are made
// without gradients and must not serve another.
class RecomputedPrecision {
 public:
  explicit RecomputedPrecision(const RecomputedBody &body) : kept_(at::autocast::is_autocast_cache_enabled()) {
    for (const auto &wanted : body.precisions) {
      before_.push_back({wanted.device, at::autocast::is_autocast_enabled(wanted.device),
                         at::autocast::get_autocast_dtype(wanted.device)});
      set(wanted);
    }
    at::autocast::set_autocast_cache_enabled(false);
  }
  ~RecomputedPrecision() {
    at::autocast::set_autocast_cache_enabled(kept_);
    for (const auto &precision : before_) set(precision);
  }

 private:
  static void set(const RecomputedBody::Precision &precision) {
    at::autocast::set_autocast_enabled(precision.device, precision.is_enabled);
    at::autocast::set_autocast_dtype(precision.device, precision.dtype);
  }

  bool kept_;
  std::vector<RecomputedBody::Precision> before_;
};

class Recomputation : public torch::autograd::Function<Recomputation> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext *ctx, at::TensorList tensors,
                                                int64_t input_count, const c10::intrusive_ptr<RecomputedBody> &body) {
    ctx->save_for_backward(tensors.vec());
    // A result that nothing was made of is to leave no gradient, as it would in an ordinary call.
    ctx->set_materialize_grads(false);
    ctx->saved_data["inputs"] = input_count;
    ctx->saved_data["body"] = c10::IValue::make_capsule(body);
    RecomputedPrecision precision(*body);
    return body->run(tensors.slice(0, input_count), false);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *ctx,
                                                 const torch::autograd::variable_list &gradients) {
    const auto body = c10::static_intrusive_pointer_cast<RecomputedBody>(ctx->saved_data["body"].toCapsule());
    const auto input_count = static_cast<size_t>(ctx->saved_data["inputs"].toInt());
    auto tensors = ctx->get_saved_variables();
    for (size_t i = 0; i < input_count; ++i) {
      tensors[i] = tensors[i].detach().set_requires_grad(tensors[i].requires_grad());
    }
    torch::autograd::variable_list results, roots, seeds, wanted;
    {
      at::AutoGradMode records(true);
      RecomputedPrecision precision(*body);
      results = body->run(at::TensorList(tensors).slice(0, input_count), true);
    }
    TORCH_CHECK(results.size() == gradients.size(), "a recomputed part had ", gradients.size(), " results and now has ",
                results.size());
    for (size_t i = 0; i < results.size(); ++i) {
      if (!gradients[i].defined() || !results[i].requires_grad()) continue;
      roots.push_back(results[i]);
      seeds.push_back(gradients[i]);
    }
    for (const auto &tensor : tensors) {
      if (tensor.requires_grad()) wanted.push_back(tensor);
    }
    const auto found = torch::autograd::grad(roots, wanted, seeds, std::nullopt, false, true);
    // The last two arguments of `forward` have no gradient.
    torch::autograd::variable_list all(tensors.size() + 2);
    for (size_t i = 0, next = 0; i < tensors.size(); ++i) {
      if (tensors[i].requires_grad()) all[i] = found[next++];
    }
    return all;
  }
};

bool is_dense_on_cpu(const at::Tensor &tensor, c10::ScalarType type) {
  return tensor.is_cpu() && tensor.is_non_overlapping_and_dense() && tensor.scalar_type() == type;
}

// Whether element n of one in memory is element n of the other.
bool lie_alike(const at::Tensor &a, const at::Tensor &b) { return a.sizes() == b.sizes() && a.strides() == b.strides(); }

}  // namespace

const char *ct_last_error(void) { return last_error.c_str(); }

void ct_initialize(void) {
  // Large tensors on huge pages: training streams weights, gradients and moments through memory at every step.
  setenv("THP_MEM_ALLOC_ENABLE", "1", 0);
  // Freed pages stay with the process: a convolution's buffers are taken and returned at every call, and faulting them
  // in anew costs as much as the arithmetic.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
}

void ct_release_free_memory(void) { malloc_trim(0); }

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_cpu_capability(void) {
  static const std::string name = at::get_cpu_capability();
  return name.c_str();
}

bool ct_cpu_multiplies_bfloat16(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

int32_t ct_cuda_device_count(void) {
  return at::globalContext().hasCUDA() ? static_cast<int32_t>(at::detail::getCUDAHooks().deviceCount()) : 0;
}

int32_t ct_thread_count(void) { return at::get_num_threads(); }

ct_status ct_set_thread_count(int32_t count) {
  return guarded([&] {
    at::set_num_threads(count);
    // That sets MKL's count for the whole process: a thread that decodes pictures would take the cores from one that multiplies,
    // and a product rounds by how many threads share it. A build of libtorch without MKL has no such function.
    static const auto set_mkl = reinterpret_cast<int (*)(int)>(dlsym(RTLD_DEFAULT, "MKL_Set_Num_Threads_Local"));
    if (set_mkl != nullptr) set_mkl(count);
  });
}

ct_status ct_operator_find(const char *name, const char *overload, ct_operator **out) {
  return guarded([&] {
    auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    *out = new ct_operator{handle};
  });
}

ct_status ct_operator_call(const ct_operator *op, const ct_value *arguments, int32_t argument_count, ct_pools pools,
                           ct_value *results, ct_tensor **result_tensors, int32_t capacity, int32_t *result_count) {
  *result_count = 0;
  return guarded([&] {
    const auto &parameters = op->value.schema().arguments();
    TORCH_CHECK(static_cast<size_t>(argument_count) <= parameters.size(), toString(op->value.operator_name()), " takes ",
                parameters.size(), " arguments, ", argument_count, " were given");
    torch::jit::Stack stack;
    stack.reserve(parameters.size());
    for (int32_t i = 0; i < argument_count; ++i) {
      stack.push_back(boxed(arguments[i], pools, parameters[i].type()));
    }
    for (size_t i = argument_count; i < parameters.size(); ++i) {
      const auto &fallback = parameters[i].default_value();
      TORCH_CHECK(fallback.has_value(), toString(op->value.operator_name()), " needs its argument '",
                  parameters[i].name(), "'");
      stack.push_back(*fallback);
    }
    op->value.callBoxed(stack);
    ResultWriter writer(results, result_tensors, capacity);
    try {
      for (const auto &result : stack) writer.write(result);
    } catch (...) {
      writer.discard();
      throw;
    }
    *result_count = writer.count();
  });
}

ct_status ct_tensor_empty(const int64_t *shape, int32_t rank, int32_t dtype, int32_t device, ct_tensor **out) {
  return guarded([&] {
    auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype)).device(device_of(device));
    *out = owned(at::empty(at::IntArrayRef(shape, rank), options));
  });
}

ct_status ct_tensor_wrap(void *data, const int64_t *shape, const int64_t *strides, int32_t rank, int32_t dtype,
                         void (*release)(void *context), void *context, ct_tensor **out) {
  return guarded([&] {
    *out = owned(at::from_blob(data, at::IntArrayRef(shape, rank), at::IntArrayRef(strides, rank),
                               [release, context](void *) { release(context); },
                               at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype))));
  });
}

void ct_tensor_release(ct_tensor *tensor) { delete tensor; }

int32_t ct_tensor_rank(const ct_tensor *tensor) { return static_cast<int32_t>(tensor->value.dim()); }

void ct_tensor_shape(const ct_tensor *tensor, int64_t *out) {
  auto sizes = tensor->value.sizes();
  std::copy(sizes.begin(), sizes.end(), out);
}

void ct_tensor_strides(const ct_tensor *tensor, int64_t *out) {
  auto strides = tensor->value.strides();
  std::copy(strides.begin(), strides.end(), out);
}

int64_t ct_tensor_element_count(const ct_tensor *tensor) { return tensor->value.numel(); }

int32_t ct_tensor_dtype(const ct_tensor *tensor) { return static_cast<int32_t>(tensor->value.scalar_type()); }

int32_t ct_tensor_device(const ct_tensor *tensor) { return index_of(tensor->value.device()); }

bool ct_tensor_is_contiguous(const ct_tensor *tensor) { return tensor->value.is_contiguous(); }

bool ct_tensor_is_dense(const ct_tensor *tensor) { return tensor->value.is_non_overlapping_and_dense(); }

void *ct_tensor_data(const ct_tensor *tensor) { return tensor->value.data_ptr(); }

ct_status ct_tensor_copy_out(const ct_tensor *tensor, void *out, size_t count) {
  return guarded([&] {
    TORCH_CHECK(tensor->value.nbytes() == count, "the tensor has ", tensor->value.nbytes(), " bytes, not ", count);
    auto host = tensor->value.detach().to(c10::kCPU).contiguous();
    std::copy_n(static_cast<const char *>(host.data_ptr()), count, static_cast<char *>(out));
  });
}

ct_status ct_tensor_to(const ct_tensor *tensor, int32_t dtype, int32_t device, bool channels_last, ct_tensor **out) {
  return guarded([&] {
    auto format = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Preserve;
    *out = owned(tensor->value.to(device_of(device), static_cast<c10::ScalarType>(dtype), false, false, format));
  });
}

bool ct_tensor_requires_grad(const ct_tensor *tensor) { return tensor->value.requires_grad(); }

ct_status ct_tensor_set_requires_grad(ct_tensor *tensor, bool value) {
  return guarded([&] { tensor->value.set_requires_grad(value); });
}

ct_status ct_tensor_grad(const ct_tensor *tensor, ct_tensor **out) {
  return guarded([&] {
    const auto &grad = tensor->value.grad();
    *out = grad.defined() ? owned(grad) : nullptr;
  });
}

ct_status ct_tensor_set_grad(ct_tensor *tensor, const ct_tensor *grad) {
  return guarded([&] { tensor->value.mutable_grad() = grad == nullptr ? at::Tensor() : grad->value; });
}

ct_status ct_tensor_set_data(ct_tensor *tensor, const ct_tensor *data) {
  return guarded([&] { tensor->value.set_data(data->value); });
}

ct_status ct_backward(const ct_tensor *loss, const ct_tensor *gradient) {
  return guarded([&] {
    std::optional<at::Tensor> seed;
    if (gradient != nullptr) seed = gradient->value;
    loss->value.backward(seed.value_or(at::Tensor()));
  });
}

bool ct_grad_is_enabled(void) { return at::GradMode::is_enabled(); }

void ct_set_grad_enabled(bool enabled) { at::GradMode::set_enabled(enabled); }

ct_inference_scope *ct_inference_scope_enter(void) { return new ct_inference_scope; }

void ct_inference_scope_leave(ct_inference_scope *scope) { delete scope; }

// Conversions of weights are not kept: libtorch keeps those of all threads together, and whichever thread leaves mixed
// precision drops them. A weight used twice in a step would be converted once or twice by chance, and its gradients be added
// up in bfloat16 or in float32.
ct_autocast_scope *ct_autocast_scope_enter(int32_t device, int32_t dtype) {
  const auto type = device_of(device).type();
  auto *scope = new ct_autocast_scope{type, at::autocast::is_autocast_enabled(type),
                                      at::autocast::is_autocast_cache_enabled(), at::autocast::get_autocast_dtype(type)};
  const auto wanted = static_cast<c10::ScalarType>(dtype);
  at::autocast::set_autocast_enabled(type, wanted != at::kFloat);
  if (wanted != at::kFloat) at::autocast::set_autocast_dtype(type, wanted);
  at::autocast::set_autocast_cache_enabled(false);
  return scope;
}

void ct_autocast_scope_leave(ct_autocast_scope *scope) {
  at::autocast::set_autocast_cache_enabled(scope->was_cached);
  at::autocast::set_autocast_enabled(scope->device, scope->was_enabled);
  at::autocast::set_autocast_dtype(scope->device, scope->previous_dtype);
  delete scope;
}

void ct_tensors_add(ct_tensors *tensors, const ct_tensor *tensor) { tensors->values.push_back(tensor->value); }

ct_status ct_recomputed(ct_tensor *const *inputs, int32_t input_count, ct_tensor *const *parameters,
                        int32_t parameter_count, ct_recomputed_body body, void (*release)(void *context), void *context,
                        ct_tensor **results, int32_t capacity, int32_t *result_count) {
  *result_count = 0;
  // Made first: it releases the context whatever follows.
  auto held = c10::make_intrusive<RecomputedBody>(body, release, context);
  return guarded([&] {
    std::vector<at::Tensor> tensors;
    for (int32_t i = 0; i < input_count; ++i) tensors.push_back(inputs[i]->value);
    for (int32_t i = 0; i < parameter_count; ++i) tensors.push_back(parameters[i]->value);
    const auto found = Recomputation::apply(at::TensorList(tensors), static_cast<int64_t>(input_count), held);
    TORCH_CHECK(found.size() <= static_cast<size_t>(capacity), "a recomputed part has more than ", capacity, " results");
    for (const auto &result : found) results[(*result_count)++] = owned(result);
  });
}

ct_status ct_linear(const ct_tensor *rows, const ct_tensor *matrix, const ct_tensor *bias, ct_tensor **out) {
  return guarded([&] {
    const auto offset = bias == nullptr ? std::nullopt : std::optional<at::Tensor>(bias->value);
    *out = owned(is_multiplied_by_onednn(rows->value, matrix->value) ? Product::apply(rows->value, matrix->value, offset)
                                                                     : at::linear(rows->value, matrix->value, offset));
  });
}

ct_status ct_adam_step(const ct_adam_tensors *tensors, const ct_adam_rule *rule) {
  return guarded([&] {
    auto &parameter = tensors->parameter->value;
    const bool has_working = tensors->working != nullptr;
    const auto type = has_working ? at::kBFloat16 : at::kFloat;
    const auto &given = tensors->gradient->value;
    TORCH_CHECK(given.sizes() == parameter.sizes(), "an Adam step of a parameter ", parameter.sizes(), " along a gradient ",
                given.sizes());
    const auto gradient = lie_alike(given, parameter)
                              ? given
                              : at::empty_strided(parameter.sizes(), parameter.strides(), given.options()).copy_(given);
    TORCH_CHECK(is_dense_on_cpu(parameter, at::kFloat) && is_dense_on_cpu(tensors->first_moment->value, at::kFloat) &&
                    is_dense_on_cpu(tensors->second_moment->value, at::kFloat) && is_dense_on_cpu(gradient, type) &&
                    (!has_working || is_dense_on_cpu(tensors->working->value, type)),
                "an Adam step takes dense float32 tensors of the CPU, or bfloat16 gradients of bfloat16 copies");
    for (const auto &other : {tensors->first_moment->value, tensors->second_moment->value,
                              has_working ? tensors->working->value : gradient}) {
      TORCH_CHECK(lie_alike(other, parameter), "an Adam step of a parameter ", parameter.sizes(), " with strides ",
                  parameter.strides(), " and a tensor ", other.sizes(), " with strides ", other.strides());
    }
    const AdamMemory memory{parameter.data_ptr<float>(), tensors->first_moment->value.data_ptr<float>(),
                            tensors->second_moment->value.data_ptr<float>(), gradient.const_data_ptr(),
                            has_working ? static_cast<uint16_t *>(tensors->working->value.data_ptr()) : nullptr};
    const double correction1 = 1 - std::pow(rule->beta1, rule->step);
    const double correction2 = 1 - std::pow(rule->beta2, rule->step);
    const auto real = [](double value) { return static_cast<float>(value); };
    const AdamConstants constants{real(rule->learning_rate / correction1),
                                  real(rule->beta2),
                                  real(1 - rule->beta1),
                                  real(1 - rule->beta2),
                                  real(1 / std::sqrt(correction2)),
                                  real(rule->epsilon),
                                  rule->is_decoupled ? 0.0f : real(rule->weight_decay),
                                  rule->is_decoupled ? real(1 - rule->learning_rate * rule->weight_decay) : 1.0f};
    const auto run = has_working ? adam_bfloat16 : adam_float32;
    at::parallel_for(0, parameter.numel(), 1 << 15,
                     [&](int64_t begin, int64_t end) { run(memory, constants, begin, end); });
  });
}

ct_status ct_generator_make(uint64_t seed, int32_t device, ct_generator **out) {
  return guarded([&] {
    at::Generator generator;
    if (device < 0) {
      generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    } else {
      generator = at::globalContext().getAcceleratorHooksInterface(c10::kCUDA).getNewGenerator(
          static_cast<c10::DeviceIndex>(device));
      generator.set_current_seed(seed);
    }
    *out = new ct_generator{std::move(generator)};
  });
}

void ct_generator_release(ct_generator *generator) { delete generator; }

ct_status ct_generator_copy(const ct_generator *generator, ct_generator **out) {
  return guarded([&] { *out = new ct_generator{generator->value.clone()}; });
}
