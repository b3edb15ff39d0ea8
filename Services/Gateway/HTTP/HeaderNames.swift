import HTTPTypes

/// Header names that swift-http-types does not know. Parsed once: making a name checks and lower-cases it.
extension HTTPField.Name {
    static let apiKey = HTTPField.Name("X-Api-Key")!
    static let deprecation = HTTPField.Name("Deprecation")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotentReplayed = HTTPField.Name("Idempotent-Replayed")!
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let link = HTTPField.Name("Link")!
    static let rateLimit = HTTPField.Name("RateLimit")!
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")!
    static let requestID = HTTPField.Name("X-Request-Id")!
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
    static let sunset = HTTPField.Name("Sunset")!
    static let traceparent = HTTPField.Name("traceparent")!
    static let uploadComplete = HTTPField.Name("Upload-Complete")!
    static let uploadLength = HTTPField.Name("Upload-Length")!
    static let uploadLimit = HTTPField.Name("Upload-Limit")!
    static let uploadOffset = HTTPField.Name("Upload-Offset")!
    static let xRateLimitLimit = HTTPField.Name("X-RateLimit-Limit")!
    static let xRateLimitRemaining = HTTPField.Name("X-RateLimit-Remaining")!
    static let xRateLimitReset = HTTPField.Name("X-RateLimit-Reset")!
}
