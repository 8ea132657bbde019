import COpenBLAS

/// What the loaded OpenBLAS is and how many threads it may use.
public enum BLASLibrary {
    /// The kernels OpenBLAS chose when it was loaded, for example `Cooperlake`; an inherited `OPENBLAS_CORETYPE`
    /// can halve their speed.
    public static var coreName: String { unsafe String(cString: openblas_get_corename()) }

    /// Its version, for example `0.3.21`.
    public static var version: String {
        let words = unsafe String(cString: openblas_get_config()).split(separator: " ")
        return words.count > 1 ? String(words[1]) : "of unknown version"
    }

    /// One BLAS thread per compute thread: users run in parallel, a product does not.
    public static func useOneThread() { openblas_set_num_threads(1) }
}
