#pragma once
#include <stddef.h>
#include <stdint.h>

// libFuzzer comes with -sanitize=fuzzer and without a header of its own.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *bytes, size_t count));
