#include "kernels/device/activity_trace.h"

#include <cuda_runtime.h>
#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "kernels/device/device.cuh"

namespace assay::kernels {

namespace {

// The part of the interface that is used. Sources: CUPTI's documentation of CUpti_ActivityKernel4 to 10, Memcpy3 to 6,
// Memset2 to 4 (CUDA 9 to 13), whose records begin alike and are only ever made longer.
using CuptiStatus = int;
constexpr CuptiStatus kSuccess = 0, kNoMoreRecords = 12;
constexpr std::uint32_t kMemcpy = 1, kMemset = 2, kConcurrentKernel = 10;
constexpr std::array kKinds = {kMemcpy, kMemset, kConcurrentKernel};
constexpr std::uint32_t kFlushForced = 1;
constexpr std::uint8_t kHostToDevice = 1, kDeviceToHost = 2;

struct ActivityRecord {
  std::uint32_t kind;
  std::uint8_t copy_kind;  // of a copy
  std::uint8_t others[3];
  std::uint64_t bytes_or_registers;
  std::uint64_t start_ns, end_ns;
};
static_assert(offsetof(ActivityRecord, start_ns) == 16 && offsetof(ActivityRecord, end_ns) == 24 &&
              offsetof(ActivityRecord, copy_kind) == 4);
constexpr std::size_t kNameOffset = 104;  // of a kernel's record: const char*

constexpr std::size_t kBufferBytes = std::size_t{1} << 20, kBufferAlignment = 8;

/// Buffers that the library has filled. It calls back without saying for whom, so there is one for the process.
struct FilledBuffers {
  struct Buffer {
    std::uint8_t* data;
    std::size_t n_valid;
  };
  std::mutex mutex;
  std::vector<Buffer> buffers;
};
FilledBuffers& filled_buffers() {
  static FilledBuffers filled;
  return filled;
}

void give_buffer(std::uint8_t** buffer, std::size_t* n_bytes, std::size_t* most_records) {
  *buffer = static_cast<std::uint8_t*>(std::aligned_alloc(kBufferAlignment, kBufferBytes));
  *n_bytes = *buffer == nullptr ? 0 : kBufferBytes;
  *most_records = 0;
}

void take_buffer(void*, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t n_valid) {
  FilledBuffers& filled = filled_buffers();
  const std::lock_guard lock(filled.mutex);
  filled.buffers.push_back({buffer, n_valid});
}

std::string kernel_name(const char* mangled) {
  if (mangled == nullptr) return "kernel";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                          &std::free);
  return short_kernel_name(plain ? plain.get() : mangled);
}

std::string name_of(const ActivityRecord& record) {
  if (record.kind == kMemset) return "fill";
  if (record.kind == kMemcpy) {
    return record.copy_kind == kHostToDevice   ? "copy_to_device"
           : record.copy_kind == kDeviceToHost ? "copy_to_host"
                                               : "copy_on_device";
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&record);
  return kernel_name(*reinterpret_cast<const char* const*>(bytes + kNameOffset));
}

struct CuptiClose {
  void operator()(void* library) const noexcept { dlclose(library); }
};

}  // namespace

struct ActivityTrace::Library {
  std::unique_ptr<void, CuptiClose> handle;
  CuptiStatus (*register_callbacks)(decltype(&give_buffer), decltype(&take_buffer)) = nullptr;
  CuptiStatus (*enable)(std::uint32_t kind) = nullptr;
  CuptiStatus (*disable)(std::uint32_t kind) = nullptr;
  CuptiStatus (*flush)(std::uint32_t flag) = nullptr;
  CuptiStatus (*next)(std::uint8_t* buffer, std::size_t n_valid, ActivityRecord** record) = nullptr;
  CuptiStatus (*n_dropped)(void* context, std::uint32_t stream, std::size_t* n) = nullptr;
  CuptiStatus (*describe)(CuptiStatus, const char** text) = nullptr;

  template <class Function>
  Result<> find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(handle.get(), name));
    if (function == nullptr) return environment_error("CUPTI has no ", name);
    return {};
  }
  Result<> check_status(CuptiStatus status, const char* what) const {
    if (status == kSuccess) return {};
    const char* text = nullptr;
    if (describe(status, &text) != kSuccess || text == nullptr) text = "unknown error";
    return environment_error("CUPTI: ", what, ": ", text, " (", status, ")");
  }
  Result<> add_activities(const FilledBuffers::Buffer& buffer, std::vector<DeviceActivity>& activities) const;
};

Result<> ActivityTrace::Library::add_activities(const FilledBuffers::Buffer& buffer,
                                                std::vector<DeviceActivity>& activities) const {
  if (buffer.n_valid == 0) return {};
  ActivityRecord* record = nullptr;
  CuptiStatus status = kSuccess;
  while ((status = next(buffer.data, buffer.n_valid, &record)) == kSuccess) {
    if (std::find(kKinds.begin(), kKinds.end(), record->kind) == kKinds.end()) continue;
    constexpr double kNsInUs = 1e3;
    activities.push_back({name_of(*record), static_cast<double>(record->start_ns) / kNsInUs,
                          static_cast<double>(record->end_ns) / kNsInUs});
  }
  return status == kNoMoreRecords ? Result<>{} : check_status(status, "a record");
}

ActivityTrace::ActivityTrace(std::unique_ptr<Library> library) : library_(std::move(library)) {}
ActivityTrace::~ActivityTrace() {
  if (is_on_) static_cast<void>(stop());
  // The library stays loaded: it may still call back. Its few pages go with the process.
  static_cast<void>(library_->handle.release());
}

Result<std::unique_ptr<ActivityTrace>> ActivityTrace::open() {
  auto library = std::make_unique<Library>();
  for (const char* const name : {"libcupti.so.13", "libcupti.so.12"}) {
    library->handle.reset(dlopen(name, RTLD_NOW | RTLD_LOCAL));
    if (library->handle) break;
  }
  if (!library->handle) {
    return environment_error(
        "CUPTI is not here: no libcupti.so.13 or .12 where the dynamic linker looks; it comes with the CUDA toolkit "
        "(extras/CUPTI/lib64), and LD_LIBRARY_PATH may name its folder");
  }
  ASSAY_TRY(library->find("cuptiActivityRegisterCallbacks", library->register_callbacks));
  ASSAY_TRY(library->find("cuptiActivityEnable", library->enable));
  ASSAY_TRY(library->find("cuptiActivityDisable", library->disable));
  ASSAY_TRY(library->find("cuptiActivityFlushAll", library->flush));
  ASSAY_TRY(library->find("cuptiActivityGetNextRecord", library->next));
  ASSAY_TRY(library->find("cuptiActivityGetNumDroppedRecords", library->n_dropped));
  ASSAY_TRY(library->find("cuptiGetResultString", library->describe));
  ASSAY_TRY(library->check_status(library->register_callbacks(give_buffer, take_buffer), "starting"));
  return std::unique_ptr<ActivityTrace>(new ActivityTrace(std::move(library)));
}

Result<> ActivityTrace::start() {
  is_on_ = true;
  for (const std::uint32_t kind : kKinds) ASSAY_TRY(library_->check_status(library_->enable(kind), "recording"));
  ASSAY_TRY(take());  // what was there before
  return {};
}

Result<> ActivityTrace::stop() {
  is_on_ = false;
  for (const std::uint32_t kind : kKinds) ASSAY_TRY(library_->check_status(library_->disable(kind), "ending"));
  ASSAY_TRY(take());
  return {};
}

Result<std::vector<DeviceActivity>> ActivityTrace::take() {
  ASSAY_TRY(check(cudaDeviceSynchronize(), "device"));
  ASSAY_TRY(library_->check_status(library_->flush(kFlushForced), "records"));
  std::vector<FilledBuffers::Buffer> buffers;
  {
    FilledBuffers& filled = filled_buffers();
    const std::lock_guard lock(filled.mutex);
    buffers.swap(filled.buffers);
  }
  std::vector<DeviceActivity> activities;
  Result<> read;
  for (const FilledBuffers::Buffer& buffer : buffers) {
    if (read) read = library_->add_activities(buffer, activities);
    std::free(buffer.data);
  }
  ASSAY_TRY(read);
  std::size_t n_lost = 0;
  ASSAY_TRY(library_->check_status(library_->n_dropped(nullptr, 0, &n_lost), "lost records"));
  if (n_lost > 0) return environment_error("CUPTI: ", n_lost, " records were lost");
  std::stable_sort(activities.begin(), activities.end(),
                   [](const DeviceActivity& a, const DeviceActivity& b) { return a.start_us < b.start_us; });
  return {std::move(activities)};
}

}  // namespace assay::kernels
