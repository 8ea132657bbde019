#pragma once
#include <stdbool.h>

// What the processor offers and the system saves (cpuid and xgetbv, by the compiler's own functions).

/// The vector instructions of x86-64-v3; everything else of that level came no later.
static inline bool attune_processor_has_avx2(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

/// The vector instructions of x86-64-v4.
static inline bool attune_processor_has_avx512(void) {
#if defined(__x86_64__)
    return attune_processor_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}
