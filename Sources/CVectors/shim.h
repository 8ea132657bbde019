#pragma once
#include <stddef.h>

// Vector instructions that Swift has no name for. Each function may only be called where /proc/cpuinfo lists the flags
// that its attribute names.
#if defined(__x86_64__)
#include <immintrin.h>

/// f32 to bf16, rounded to nearest even; f32 values too small to be normal become zero.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) static inline void attune_to_bf16(
    const float *_Nonnull source, unsigned short *_Nonnull target, size_t count) {
    size_t index = 0;
    for (; index + 32 <= count; index += 32)
        _mm512_storeu_si512(
            target + index,
            (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(source + index + 16), _mm512_loadu_ps(source + index)));
    for (; index < count; index += 16) {
        __mmask16 left = count - index < 16 ? (__mmask16)((1u << (count - index)) - 1) : (__mmask16)0xffff;
        _mm256_mask_storeu_epi16(
            target + index, left, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(left, source + index)));
    }
}

// A loop of independent multiply-adds in registers, `count` times; the floating-point operations of one turn are in
// `..._operations`. Sixteen chains are more than latency times units of any processor so far. The compiler may assume nothing
// of what a chain starts from and must believe that its end is read: it would leave the loop empty otherwise.
#define ATTUNE_SIXTEEN(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
#define ATTUNE_TWELVE(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
#define ATTUNE_UNKNOWN(x) __asm__ volatile("" : "+v"(x));
#define ATTUNE_END(n) ATTUNE_UNKNOWN(x##n)

static const long attune_fma_avx512_operations = 16 * 16 * 2;
__attribute__((target("avx512f"))) static inline void attune_fma_avx512(long count) {
    __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
    ATTUNE_UNKNOWN(a)
    ATTUNE_UNKNOWN(b)
#define ATTUNE_START(n) __m512 x##n = b; ATTUNE_UNKNOWN(x##n)
#define ATTUNE_STEP(n) x##n = _mm512_fmadd_ps(x##n, a, b);
    ATTUNE_SIXTEEN(ATTUNE_START)
    for (long turn = 0; turn < count; turn++) { ATTUNE_SIXTEEN(ATTUNE_STEP) }
    ATTUNE_SIXTEEN(ATTUNE_END)
#undef ATTUNE_START
#undef ATTUNE_STEP
}

static const long attune_fma_avx2_operations = 12 * 8 * 2;
__attribute__((target("avx2,fma"))) static inline void attune_fma_avx2(long count) {
    __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
    ATTUNE_UNKNOWN(a)
    ATTUNE_UNKNOWN(b)
#define ATTUNE_START(n) __m256 x##n = b; ATTUNE_UNKNOWN(x##n)
#define ATTUNE_STEP(n) x##n = _mm256_fmadd_ps(x##n, a, b);
    ATTUNE_TWELVE(ATTUNE_START)
    for (long turn = 0; turn < count; turn++) { ATTUNE_TWELVE(ATTUNE_STEP) }
    ATTUNE_TWELVE(ATTUNE_END)
#undef ATTUNE_START
#undef ATTUNE_STEP
}

static const long attune_bf16_dots_operations = 16 * 32 * 2;
__attribute__((target("avx512f,avx512bf16"))) static inline void attune_bf16_dots(long count) {
    __m512 term = _mm512_set1_ps(0.001f);
    __m512bh a = _mm512_cvtne2ps_pbh(term, term), b = a;
    ATTUNE_UNKNOWN(a)
    ATTUNE_UNKNOWN(b)
#define ATTUNE_START(n) __m512 x##n = term; ATTUNE_UNKNOWN(x##n)
#define ATTUNE_STEP(n) x##n = _mm512_dpbf16_ps(x##n, a, b);
    ATTUNE_SIXTEEN(ATTUNE_START)
    for (long turn = 0; turn < count; turn++) { ATTUNE_SIXTEEN(ATTUNE_STEP) }
    ATTUNE_SIXTEEN(ATTUNE_END)
#undef ATTUNE_START
#undef ATTUNE_STEP
}
#endif
