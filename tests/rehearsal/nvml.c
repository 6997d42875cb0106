/* A libnvidia-ml.so.1 that drives the real pynvml without a GPU. */
#include <string.h>
typedef struct { unsigned int gpu, memory; } rates;
int nvmlInitWithFlags(unsigned int flags) { return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
/* What tests set: the mask of reasons for throttling, and the error that the device answers with. */
static unsigned long long throttle = 0x4 | 0x40;
static int error;
void stand_in_set(unsigned long long reasons, int code) { throttle = reasons; error = code; }
const char *nvmlErrorString(int code) { return code == 15 ? "GPU is lost" : "not supported here"; }
int nvmlSystemGetDriverVersion(char *text, unsigned int length) { strncpy(text, "580.95", length); return 0; }
int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    *device = (void *)(strcmp(uuid, "MIG-0f0e-43") ? 7 : 8);
    return strcmp(uuid, "GPU-0f0e-42") && strcmp(uuid, "MIG-0f0e-43") ? 6 : 0;
}
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *instance, void **device) {
    *device = (void *)7;
    return instance == (void *)8 ? 0 : 2;
}
int nvmlDeviceGetVbiosVersion(void *device, char *text, unsigned int length) { return 3; }
int nvmlDeviceGetMaxClockInfo(void *device, int kind, unsigned int *mhz) { *mhz = kind == 1 ? 1980 : 2619; return 0; }
int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned int *limit) { *limit = 700000; return 0; }
int nvmlDeviceGetPersistenceMode(void *device, int *mode) { *mode = 1; return 0; }
int nvmlDeviceGetPowerUsage(void *device, unsigned int *power) { *power = 345678; return 0; }
int nvmlDeviceGetUtilizationRates(void *device, rates *use) { use->gpu = 98; use->memory = 40; return 0; }
/* A whole GPU has clocks, a MIG instance has none of its own. */
int nvmlDeviceGetClockInfo(void *device, int kind, unsigned int *mhz) {
    if (device != (void *)7) return 3;
    *mhz = kind == 1 ? 1755 : 2619;
    return 0;
}
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned int *degrees) { *degrees = 61; return error; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *mask) {
    *mask = throttle;
    return error;
}
