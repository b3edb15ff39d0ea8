import Primitives

// The only place where the gateway's own codes are spelled.

extension Fault {
    // Who is asking
    static let keyMissing = Fault(
        .unauthenticated, "auth.key_missing", "Send an API key in the Authorization header: `Authorization: Bearer asy_…`.")
    static let keyInvalid = Fault(.unauthenticated, "auth.key_invalid", "The API key is not valid: it is unknown, revoked or has expired.")
    static let keyInQuery = Fault(
        .invalid, "key_in_query", "An API key must not be in a URL: URLs end up in logs. Send it in the Authorization header, and revoke this one.")
    static let sessionInvalid = Fault(.unauthenticated, "auth.session_invalid", "Please sign in again.")
    static let crossSite = Fault(.forbidden, "auth.cross_site", "A request with a session cookie must come from Assay's own pages.")

    static func scopeMissing(_ scope: KeyScope) -> Fault {
        Fault(.forbidden, "auth.scope_missing", "The API key lacks the scope \(scope.rawValue).", fields: [.init("scope", "missing", scope.rawValue)])
    }

    /// The code that services answer with as well, when they check the permission again.
    static func permissionNotHeld(_ permission: String) -> Fault {
        Fault(.forbidden, "permission.missing", "This needs the permission \(permission).")
    }

    /// Permissions are held in organizations: what somebody who is in none can do about it.
    static func organizationNeeded(_ permission: String) -> Fault {
        Fault(
            .forbidden, "permission.missing",
            """
            This needs the permission \(permission), and you are in no organization. Make one (POST /api/v1/organizations) or accept an invitation, \
            then log in again or switch to it (POST /api/v1/auth/switch).
            """)
    }

    static let addressNotAllowed = Fault(.forbidden, "auth.address_not_allowed", "The API key must not be used from this address.")

    static func scopeNotHeld(_ scope: KeyScope) -> Fault {
        Fault(.forbidden, "keys.scope_not_held", "A key can give away no scope that its maker lacks: \(scope.rawValue).")
    }

    static func projectNotHeld() -> Fault {
        Fault(.forbidden, "keys.project_not_held", "A key that is bound to projects can make keys for these projects only.")
    }

    // What is asked
    static let routeNotFound = Fault(.notFound, "request.route_not_found", "There is nothing at this path.")
    static let methodNotAllowed = Fault(.invalid, "request.method_not_allowed", "This path does not take this method; see the Allow header.")
    static let mediaType = Fault(.invalid, "request.unsupported_media_type", "The body must be JSON: `Content-Type: application/json`.")
    static let hostMissing = Fault(.invalid, "request.host_missing", "A request must name its host.")
    static let misdirected = Fault(.invalid, "request.misdirected", "This is not the host that the request is meant for.")

    static func notAcceptable(_ type: String) -> Fault {
        Fault(.invalid, "request.not_acceptable", "The answer to this request is \(type), which its Accept header does not allow.")
    }

    static let pathMalformed = Fault(.invalid, "request.malformed_path", "The path is not valid percent-encoded UTF-8 without NUL.")
    static let queryMalformed = Fault(.invalid, "request.malformed_query", "The query is not valid percent-encoded UTF-8 without NUL.")
    static let cursorInvalid = Fault(
        .invalid, "page.invalid_cursor", "The cursor is not one that this list gave, for this organization and with this filter.",
        fields: [.init("cursor", "invalid", "Start again without a cursor.")])

    static func bodyTooLarge(limit: Int) -> Fault {
        Fault(.invalid, "request.too_large", "The body is larger than \(limit) bytes.")
    }

    static func queryTooMany(_ limit: Int) -> Fault {
        Fault(.invalid, "request.too_many_parameters", "A query can have at most \(limit) parameters.")
    }

    static func duplicateParameter(_ name: String) -> Fault {
        Fault(
            .invalid, "request.duplicate_parameter", "The query parameter \(name) can be given once only.",
            fields: [.init(name, "duplicate", "Given more than once.")])
    }

    static func unknownParameter(_ name: String) -> Fault {
        Fault(
            .invalid, "request.unknown_parameter", "There is no query parameter \(name) here.",
            fields: [.init(name, "unknown", "Not a parameter of this route.")])
    }

    static func parameterInvalid(_ name: String, _ expected: String) -> Fault {
        Fault(.invalid, "request.invalid", "\(name) must be \(expected).", fields: [.init(name, "invalid", "Expected \(expected).")])
    }

    static func parameterMissing(_ name: String) -> Fault { .invalidField(name, "required", "The query parameter \(name) is needed.") }

    static func json(_ code: String, _ detail: String, at pointer: String) -> Fault {
        Fault(.invalid, "request.\(code)", detail, fields: [.init(pointer, code, detail)])
    }

    static func unknownField(_ name: String) -> Fault { unknownField(at: "/" + name, named: name) }

    static func unknownField(at pointer: String, named name: String) -> Fault {
        Fault(
            .invalid, "unknown_field", "There is no field \(name.prefix(100)) here.",
            fields: [.init(pointer, "unknown_field", "Not a field of this request.")])
    }

    static func fieldMissing(_ pointer: String) -> Fault { .invalidField(pointer, "required", "This field is needed.") }

    // Conditions
    static let ifMatchMissing = Fault(
        .invalid, "precondition_required", "Say with If-Match which version is to be changed: the ETag of what was read, or * for whatever there is.")
    static let ifMatchMalformed = Fault(.invalid, "precondition.malformed", "If-Match must be one ETag in its quotes, or *.")

    // How much
    static func rateLimited(_ policy: String, retryAfter: Duration) -> Fault {
        Fault(
            .exhausted, "rate_limited", "The limit \"\(policy)\" is used up for now.", fields: [.init("policy", "violated", policy)],
            retryAfter: retryAfter)
    }

    /// Keys that are none, one after the other: somebody is guessing.
    static func tooManyAttempts(_ policy: String, retryAfter: Duration) -> Fault {
        Fault(
            .exhausted, "auth.too_many_attempts", "Too many keys from this address were not valid.", fields: [.init("policy", "violated", policy)],
            retryAfter: retryAfter)
    }

    static func concurrency(_ policy: String, retryAfter: Duration) -> Fault {
        Fault(
            .exhausted, "concurrency", "Too many requests of this key or organization are under way.",
            fields: [.init("policy", "violated", policy)], retryAfter: retryAfter)
    }

    static let limiterUnavailable = Fault.unavailable(
        "limits.unavailable", "Nobody can sign in or up for the moment, because their attempts cannot be counted.", retryAfter: .seconds(2))

    static func tooManyStreams(_ limit: Int) -> Fault {
        Fault(
            .exhausted, "streams.too_many", "A key or session can have \(limit) event streams open at once.",
            fields: [.init("policy", "violated", "streams")], retryAfter: .seconds(10))
    }

    static let streamsFull = Fault.unavailable("streams.full", "This gateway has as many event streams as it can hold.", retryAfter: .seconds(10))

    // Idempotency
    static let idempotencyKeyInvalid = Fault(
        .invalid, "idempotency.invalid_key", "Idempotency-Key must have 1 to 255 printable ASCII characters, as they are or as a quoted string.")
    static let idempotencyMismatch = Fault(
        .invalid, "idempotency_mismatch", "This Idempotency-Key was used for a request with another payload.")
    static let idempotencyRunning = Fault(
        .conflict, "idempotency.running", "The first request with this Idempotency-Key is still under way.", retryAfter: .seconds(1))
}

// The connection
extension Fault {
    static let bodyTooSlow = Fault(.invalid, "request.too_slow", "The body did not arrive in time.")
    static let headersTooLarge = Fault(.invalid, "request.headers_too_large", "The request's headers are too large or too many.")
    static let httpMalformed = Fault(.invalid, "request.malformed_http", "This is not a well-formed HTTP/1.1 request.")

    static func targetTooLong(_ limit: Int) -> Fault {
        Fault(.invalid, "request.target_too_long", "A request's target can have at most \(limit) bytes.")
    }
}

// Uploads
extension Fault {
    static let uploadMediaType = Fault(
        .invalid, "upload.unsupported_media_type",
        "Send XML, JSON, text, a zip archive, gzip or zstd with its media type, or multipart/form-data with parts named file or data.")
    static let uploadEncoding = Fault(
        .invalid, "upload.unsupported_encoding", "Content-Encoding must be gzip or zstd, once, or absent.")
    static let uploadEmpty = Fault(.invalid, "upload.no_files", "The upload holds no file: name the parts file or data.")

    static func multipart(_ detail: String) -> Fault { Fault(.invalid, "upload.malformed_multipart", detail) }

    static func uploadTooLarge(limit: Int) -> Fault {
        Fault(.invalid, "upload.too_large", "The upload is larger than \(limit) bytes.")
    }

    static let partialMediaType = Fault(
        .invalid, "upload.unsupported_media_type", "A piece of an upload is sent as `Content-Type: application/partial-upload`.")

    // Codes that Execution answers with as well, when it looks under a lock.
    static func offsetMismatch(expected: Int64, provided: Int64) -> Fault {
        Fault(
            .conflict, "upload.offset_mismatch", "\(expected) bytes are here: go on from there, not from \(provided).",
            fields: [.init("expected-offset", "offset", "\(expected)"), .init("provided-offset", "offset", "\(provided)")])
    }

    static let uploadCompleted = Fault(.invalid, "upload.already_completed", "The upload is complete; nothing can be added to it.")
    static let inconsistentLength = Fault(
        .invalid, "upload.inconsistent_length", "Upload-Length is not what Upload-Offset and Content-Length come to.")

    static func digestMismatch(_ found: String) -> Fault {
        Fault(
            .invalid, "upload.digest_mismatch",
            "What has arrived has the SHA-256 \(found), which is not the one that Repr-Digest named. It was dropped.")
    }
}
