// A library that makes the GPU of the program it is loaded into fail as hardware does: the driver loads it through
// CUDA_INJECTION64_PATH, and once the file that ASSAY_FAIL_DEVICE_WHEN names exists, a kernel traps. From then on every
// call of the CUDA context is an error. For tests.

#include <dlfcn.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace {

// The parts of the driver's interface (cuda.h) that are used here.
using Device = int;
using Handle = void*;

template <class Function>
Function* driver(const char* name) {
  static void* const library = dlopen("libcuda.so.1", RTLD_NOW);
  return library == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(library, name));
}

constexpr const char* kTrappingKernel = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry fail() { trap; }
)";

void fail_device() {
  const auto retain = driver<int(Handle*, Device)>("cuDevicePrimaryCtxRetain");
  const auto use = driver<int(Handle)>("cuCtxSetCurrent");
  const auto load = driver<int(Handle*, const void*)>("cuModuleLoadData");
  const auto find = driver<int(Handle*, Handle, const char*)>("cuModuleGetFunction");
  const auto launch =
      driver<int(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void**, void**)>(
          "cuLaunchKernel");
  Handle context = nullptr, module = nullptr, kernel = nullptr;
  if (retain == nullptr || use == nullptr || load == nullptr || find == nullptr || launch == nullptr) std::abort();
  if (retain(&context, 0) != 0 || use(context) != 0 || load(&module, kTrappingKernel) != 0 ||
      find(&kernel, module, "fail") != 0 || launch(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr) != 0) {
    std::abort();
  }
}

}  // namespace

/// Called by the driver when the program first uses it.
extern "C" int InitializeInjection() {
  const char* when = std::getenv("ASSAY_FAIL_DEVICE_WHEN");
  if (when == nullptr) return 1;
  std::thread([path = std::filesystem::path(when)] {
    std::error_code ignored;
    while (!std::filesystem::exists(path, ignored)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    fail_device();
  }).detach();
  return 1;
}
