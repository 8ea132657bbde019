#pragma once
#include <zstd.h>
#include <zstd_errors.h>

// Swift imports neither of these two macros: both are arithmetic on an unsigned constant.
static const unsigned long long attune_zstd_size_unknown = ZSTD_CONTENTSIZE_UNKNOWN;
static const unsigned long long attune_zstd_size_error = ZSTD_CONTENTSIZE_ERROR;
