import CCurl
import Synchronization

/// One libcurl easy handle: it performs one exchange at a time and keeps its connections open between them.
///
/// Not thread-safe, as libcurl's is not: its owner, ``TransferHandle``, is an actor.
@safe
struct EasyHandle: ~Copyable {
    private let raw: UnsafeMutableRawPointer

    /// libcurl's process-wide state; thread-safe since 7.84 and needed before the first handle.
    private static let library: CURLcode = curl_global_init(attune_curl_global_default)

    init() {
        precondition(Self.library == CURLE_OK, "libcurl could not be initialised")
        guard let raw = unsafe curl_easy_init() else { preconditionFailure("libcurl: no memory for a handle") }
        unsafe self.raw = raw
    }

    deinit { unsafe curl_easy_cleanup(raw) }

    /// Blocks until the response is complete, a limit is reached or `cancellation` is set (seen within a second).
    mutating func perform(
        _ request: HTTPRequest, _ settings: TransferSettings, _ cancellation: CancellationFlag
    ) throws(TransferError) -> HTTPResponse {
        // Keeps connections, name cache and TLS sessions; drops everything the last request set.
        unsafe curl_easy_reset(raw)
        let reception = Reception(byteLimit: request.responseByteLimit, cancellation: cancellation)
        let fields = unsafe try headerList(request)
        defer { unsafe curl_slist_free_all(fields) }
        var setup = unsafe Setup(raw)
        unsafe setup.list(CURLOPT_HTTPHEADER, fields)
        setup.limitsAndTrust(settings)
        setup.string(CURLOPT_URL, request.url)
        setup.method(request)
        var words = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        // Retained here and released below: the callbacks only borrow it, and libcurl calls them inside perform alone.
        let context = unsafe Unmanaged.passRetained(reception)
        defer { unsafe context.release() }
        unsafe setup.callbacks(context.toOpaque())
        guard setup.failure == CURLE_OK else { throw Self.error(setup.failure, "", request, reception) }
        let result = unsafe words.withUnsafeMutableBufferPointer { buffer in
            unsafe request.body.withUnsafeBytes { body in
                unsafe setup.pointer(CURLOPT_ERRORBUFFER, buffer.baseAddress)
                if request.method == .put || request.method == .post {
                    unsafe setup.body(body)
                }
                return setup.failure == CURLE_OK ? unsafe curl_easy_perform(raw) : setup.failure
            }
        }
        // The next reset also forgets the two pointers, but nothing may write to them in between.
        unsafe curl_easy_reset(raw)
        guard result == CURLE_OK else {
            let text = String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw Self.error(result, text, request, reception)
        }
        return HTTPResponse(status: reception.status, headers: reception.headers, body: reception.body)
    }

    /// The request's fields as libcurl wants them, plus two that stop it from adding its own.
    private func headerList(
        _ request: HTTPRequest
    ) throws(TransferError) -> UnsafeMutablePointer<curl_slist>? {
        // An empty value removes what libcurl would send: a form's content type, and a wait for "100 Continue".
        var lines = ["Expect:"]
        if request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        for field in request.headers.fields {
            let line = field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)"
            guard !field.name.isEmpty, !line.utf8.contains(where: { $0 < 32 || $0 == 127 }) else {
                throw TransferError(
                    .malformed, origin: request.origin,
                    "the header field \(field.name.debugDescription) "
                        + "has no name or holds a control character.")
            }
            lines.append(line)
        }
        var list: UnsafeMutablePointer<curl_slist>? = nil
        for line in lines {
            guard let longer = unsafe curl_slist_append(list, line) else {
                preconditionFailure("libcurl: no memory for header fields")
            }
            unsafe list = longer
        }
        return unsafe list
    }

    private static func error(
        _ code: CURLcode, _ words: String, _ request: HTTPRequest, _ reception: Reception
    ) -> TransferError {
        let text = words.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : words
        let kind = reception.overflowed ? .tooLarge : TransferError.Code(code)
        let reason =
            reception.overflowed
            ? "the response is larger than \(reception.byteLimit) bytes."
            : "\(text) (CURLcode \(code.rawValue))."
        return TransferError(kind, origin: request.origin, reason, curlCode: code.rawValue)
    }
}

extension TransferError.Code {
    /// Which class a CURLcode belongs to.
    fileprivate init(_ code: CURLcode) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .unresolved
        case CURLE_COULDNT_CONNECT: self = .unreachable
        case CURLE_OPERATION_TIMEDOUT: self = .timedOut
        // A reset in the middle of the handshake arrives as SSL_CONNECT_ERROR; a bad certificate does not.
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SSL_CONNECT_ERROR,
            CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_WEIRD_SERVER_REPLY:
            self = .connectionLost
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR: self = .untrusted
        case CURLE_ABORTED_BY_CALLBACK: self = .cancelled
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: self = .malformed
        default: self = .failed
        }
    }
}
