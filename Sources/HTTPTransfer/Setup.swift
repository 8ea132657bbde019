import CCurl

/// Sets options on one easy handle and remembers the first that was refused.
@safe
struct Setup {
    private let raw: UnsafeMutableRawPointer
    private(set) var failure = CURLE_OK

    init(_ raw: UnsafeMutableRawPointer) { unsafe self.raw = raw }

    private mutating func note(_ code: CURLcode) {
        if failure == CURLE_OK { failure = code }
    }

    mutating func long(_ option: CURLoption, _ value: Int) { note(unsafe attune_curl_set_long(raw, option, value)) }

    mutating func string(_ option: CURLoption, _ value: String) {
        note(unsafe attune_curl_set_string(raw, option, value))
    }

    @unsafe mutating func list(_ option: CURLoption, _ value: UnsafeMutablePointer<curl_slist>?) {
        note(unsafe attune_curl_set_list(raw, option, value))
    }

    @unsafe mutating func pointer(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) {
        note(unsafe attune_curl_set_pointer(raw, option, value))
    }

    /// Time limits, verified TLS and no surprises: no signals, no redirects, no other protocols.
    mutating func limitsAndTrust(_ settings: TransferSettings) {
        // Without it the resolver's time limit uses SIGALRM, which is not safe beside other threads.
        long(CURLOPT_NOSIGNAL, 1)
        string(CURLOPT_PROTOCOLS_STR, "http,https")
        string(CURLOPT_USERAGENT, "attune")
        long(CURLOPT_PATH_AS_IS, 1)
        // A signature covers the host and the path: what redirects here must be reported, not followed.
        long(CURLOPT_FOLLOWLOCATION, 0)
        long(CURLOPT_TCP_KEEPALIVE, 1)
        long(CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectTimeoutSeconds * 1000))
        long(CURLOPT_TIMEOUT_MS, Int(settings.totalTimeoutSeconds * 1000))
        long(CURLOPT_LOW_SPEED_LIMIT, 1)
        long(CURLOPT_LOW_SPEED_TIME, settings.stallTimeoutSeconds)
        long(CURLOPT_SSL_VERIFYPEER, 1)
        long(CURLOPT_SSL_VERIFYHOST, 2)
        long(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let file = settings.certificateAuthorities { string(CURLOPT_CAINFO, file) }
    }

    mutating func method(_ request: HTTPRequest) {
        switch request.method {
        case .get: long(CURLOPT_HTTPGET, 1)
        case .head: long(CURLOPT_NOBODY, 1)
        case .delete: string(CURLOPT_CUSTOMREQUEST, "DELETE")
        case .put, .post:
            // libcurl can send a body it holds again after a kept connection turns out closed; a read callback would
            // have to rewind. Hence POST's machinery under PUT's name.
            long(CURLOPT_POST, 1)
            string(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }

    /// The bytes to send; they must outlive the transfer. The length is stated even when it is 0.
    @unsafe mutating func body(_ bytes: UnsafeRawBufferPointer) {
        note(unsafe attune_curl_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
        if unsafe bytes.isEmpty {
            string(CURLOPT_COPYPOSTFIELDS, "")
        } else {
            unsafe pointer(CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
    }

    /// Routes what arrives, and the question whether to go on, to the ``Reception`` that `context` points to.
    @unsafe mutating func callbacks(_ context: UnsafeMutableRawPointer) {
        note(
            unsafe attune_curl_set_receiver(raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                return unsafe Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue().receiveBody(piece)
            })
        note(
            unsafe attune_curl_set_receiver(raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                return unsafe Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue().receiveHeader(line)
            })
        note(
            unsafe attune_curl_set_progress(raw) { context, _, _, _, _ in
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue().mustStop ? 1 : 0
            })
        unsafe pointer(CURLOPT_WRITEDATA, context)
        unsafe pointer(CURLOPT_HEADERDATA, context)
        unsafe pointer(CURLOPT_XFERINFODATA, context)
        long(CURLOPT_NOPROGRESS, 0)
    }
}
