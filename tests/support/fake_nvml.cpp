// A management library of one GPU that always says the same, but for its energy counter, which grows by what the power
// uses in a second each time it is asked, and for its load, which $ASSAY_FAKE_NVML_BUSY_PCT sets. For tests on machines
// that have no GPU.

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {
struct Memory {
  unsigned long long total, free, used;
};
struct PciInfo {
  char bus_id_legacy[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
};
struct Utilisation {
  unsigned gpu, memory;
};
struct FieldValue {
  unsigned field_id, scope_id;
  long long timestamp, latency_us;
  int value_type, status;
  unsigned long long value;
};
constexpr int kSuccess = 0, kNotFound = 6, kUnsigned = 1;
char device_of_one;
constexpr unsigned kMilliwatts = 143940;
std::atomic<unsigned long long> total_millijoules = 1'000'000;
}  // namespace

extern "C" {
int nvmlInit_v2() { return kSuccess; }
int nvmlShutdown() { return kSuccess; }
int nvmlSystemGetDriverVersion(char* text, unsigned) { return std::strcpy(text, "580.1") ? kSuccess : kNotFound; }
int nvmlDeviceGetCount_v2(unsigned* count) { return *count = 1, kSuccess; }
int nvmlDeviceGetHandleByIndex_v2(unsigned, void** device) { return *device = &device_of_one, kSuccess; }
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  *device = &device_of_one;
  return std::strcmp(id, "0000:1b:00.0") == 0 ? kSuccess : kNotFound;
}
int nvmlDeviceGetName(void*, char* text, unsigned) { return std::strcpy(text, "Fake H100") ? kSuccess : kNotFound; }
int nvmlDeviceGetMemoryInfo(void*, Memory* memory) { return *memory = {80, 70, 10}, kSuccess; }
int nvmlDeviceGetPciInfo_v3(void*, PciInfo* info) {
  return *info = {"0000:1B:00.0", 0, 0x1b, 0, 0x233010de, 0x16c110de, "00000000:1B:00.0"}, kSuccess;
}
int nvmlDeviceGetUtilizationRates(void*, Utilisation* utilisation) {
  const char* busy_pct = std::getenv("ASSAY_FAKE_NVML_BUSY_PCT");
  return *utilisation = {busy_pct ? static_cast<unsigned>(std::atoi(busy_pct)) : 0, 0}, kSuccess;
}
int nvmlDeviceGetClockInfo(void*, int kind, unsigned* mhz) { return *mhz = kind == 1 ? 1755 : 2619, kSuccess; }
int nvmlDeviceGetMaxClockInfo(void*, int, unsigned* mhz) { return *mhz = 1980, kSuccess; }
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) { return *milliwatts = kMilliwatts, kSuccess; }
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) { return *milliwatts = 700000, kSuccess; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* bits) { return *bits = 4, kSuccess; }
int nvmlDeviceGetTotalEnergyConsumption(void*, unsigned long long* millijoules) {
  return *millijoules = total_millijoules += kMilliwatts, kSuccess;
}
// Eighteen links, of which the last is off.
int nvmlDeviceGetNvLinkState(void*, unsigned link, unsigned* is_active) {
  return *is_active = link < 17, link < 18 ? kSuccess : kNotFound;
}
int nvmlDeviceGetFieldValues(void*, int, FieldValue* value) {
  value->value_type = kUnsigned;
  value->value = 26562;
  return value->status = value->field_id == 90 ? kSuccess : kNotFound, kSuccess;
}
// No nvmlDeviceGetTemperature: older libraries lack a function or two.
}
