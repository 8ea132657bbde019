import COneDNN

/// The format of a product's operands; sums, bias and results are f32 in either.
enum OneDNNFormat: Hashable, CaseIterable, Sendable {
    case f32, bf16

    var type: dnnl_data_type_t { self == .f32 ? dnnl_f32 : dnnl_bf16 }
    var bytes: Int { self == .f32 ? 4 : 2 }
}
