#pragma once
#include <dlfcn.h>
#include <stddef.h>
#include <oneapi/dnnl/dnnl.h>

// The library is opened while the program runs, so that the program starts where it is not installed: nothing here
// refers to a symbol of it, only to the types of its header. Its interface is that of the header's major version.
_Static_assert(DNNL_VERSION_MAJOR == 2, "the calls below are those of oneDNN 2");

#define ATTUNE_DNNL_CALLS(F) \
    F(dnnl_version) \
    F(dnnl_get_effective_cpu_isa) \
    F(dnnl_engine_create) \
    F(dnnl_stream_create) \
    F(dnnl_stream_destroy) \
    F(dnnl_memory_create) \
    F(dnnl_memory_set_data_handle) \
    F(dnnl_memory_destroy) \
    F(dnnl_memory_desc_init_by_tag) \
    F(dnnl_memory_desc_permute_axes) \
    F(dnnl_memory_desc_equal) \
    F(dnnl_memory_desc_get_size) \
    F(dnnl_matmul_desc_init) \
    F(dnnl_primitive_attr_create) \
    F(dnnl_primitive_attr_set_scratchpad_mode) \
    F(dnnl_primitive_attr_destroy) \
    F(dnnl_primitive_desc_create) \
    F(dnnl_primitive_desc_query) \
    F(dnnl_primitive_desc_query_md) \
    F(dnnl_primitive_desc_destroy) \
    F(dnnl_reorder_primitive_desc_create) \
    F(dnnl_primitive_create) \
    F(dnnl_primitive_execute) \
    F(dnnl_primitive_destroy)

/// The calls of an opened library.
struct attune_dnnl {
#define ATTUNE_DNNL_FIELD(name) __typeof__(name) *_Nonnull name;
    ATTUNE_DNNL_CALLS(ATTUNE_DNNL_FIELD)
#undef ATTUNE_DNNL_FIELD
    /// OpenMP's, where the library was built with it: the threads of a product that the calling thread starts.
    void (*_Nullable omp_set_num_threads)(int);
};

/// Fills the calls; the name of the first that the library lacks, or null.
static inline const char *_Nullable attune_dnnl_fill(void *_Nonnull library, struct attune_dnnl *_Nonnull calls) {
#define ATTUNE_DNNL_FILL(name) \
    calls->name = (__typeof__(name) *)dlsym(library, #name); \
    if (!calls->name) return #name;
    ATTUNE_DNNL_CALLS(ATTUNE_DNNL_FILL)
#undef ATTUNE_DNNL_FILL
    calls->omp_set_num_threads = (void (*)(int))dlsym(library, "omp_set_num_threads");
    return 0;
}
