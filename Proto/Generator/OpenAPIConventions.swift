/// What holds for the whole HTTP interface and is therefore in no contract: authentication, errors, limits, and the words for fields that lists share.
enum OpenAPIConventions {
    static let info: JSON = [
        "title": "Assay",
        "version": "1.0.0",
        "description": .text(
            """
            Test results from any CI, executed suites, judged failures.

            Field names are snake_case, times RFC 3339 in UTC, durations integer milliseconds unless the name says otherwise. A field that has no value is \
            absent. Unknown enum values and fields may appear in answers at any time. Lists are read in pages: give `page.next_cursor` back as `cursor` \
            until `page.has_more` is false.
            """),
    ]

    static let descriptions = [
        "limit": "Elements a page: 1–200, 50 when not given.",
        "cursor": "`page.next_cursor` of the page before.",
    ]

    static let responseHeaders: JSON = [
        "X-Request-Id": ["$ref": "#/components/headers/RequestID"],
        "RateLimit-Policy": ["$ref": "#/components/headers/RateLimitPolicy"],
        "RateLimit": ["$ref": "#/components/headers/RateLimit"],
    ]

    private static let errors: [(status: String, name: String, meaning: String, retryAfter: Bool)] = [
        ("400", "BadRequest", "The request is malformed; `errors` names the fields.", false),
        ("401", "Unauthorized", "No key, or one that is not valid.", false),
        ("403", "Forbidden", "The key lacks the permission, which `detail` names.", false),
        ("404", "NotFound", "There is no such object, or it belongs to somebody else.", false),
        ("409", "Conflict", "The object's state does not allow it, or a request with the same Idempotency-Key is under way.", false),
        ("422", "Unprocessable", "The content cannot be taken, or the Idempotency-Key was used with another request.", false),
        ("429", "TooManyRequests", "A limit is used up.", true),
        ("503", "Unavailable", "A part of the service cannot be reached just now.", true),
    ]

    static let errorResponses: JSON = .object(
        (errors.map { ($0.status, $0.name) } + [("default", "Problem")]).map { status, name in
            JSON.Member(name: status, value: ["$ref": .text("#/components/responses/\(name)")])
        })

    static let components: JSON = [
        "securitySchemes": [
            "bearerAuth": ["type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer asy_…`."],
            "apiKey": [
                "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The same key, for tools that cannot send a bearer token.",
            ],
        ],
        "parameters": [
            "IdempotencyKey": [
                "name": "Idempotency-Key", "in": "header",
                "description": "Chosen by the client. Repeating a request with its key gives the first answer again, for 24 hours.",
                "schema": ["type": "string", "minLength": 1, "maxLength": 255],
            ],
            "LastEventID": [
                "name": "Last-Event-ID", "in": "header", "description": "Id of the last event that was received; the stream goes on after it.",
                "schema": ["type": "string"],
            ],
        ],
        "headers": [
            "RequestID": [
                "description": "Names the request in logs and problems; taken over from the request when given.", "schema": ["type": "string"],
            ],
            "RateLimitPolicy": [
                "description": "Limits that apply, as in draft-ietf-httpapi-ratelimit-headers: `\"burst\";q=100;w=60`.", "schema": ["type": "string"],
            ],
            "RateLimit": ["description": "What is left and the seconds until it is restored: `\"burst\";r=42;t=17`.", "schema": ["type": "string"]],
            "RetryAfter": ["description": "Seconds to wait before the request can succeed.", "schema": ["type": "integer", "minimum": 0]],
            "IdempotentReplayed": [
                "description": "`true` when this is the first answer once more.", "schema": ["type": "string", "enum": ["true"]],
            ],
        ],
        "responses": .object(
            errors.map { _, name, meaning, retryAfter in problem(name, meaning, retryAfter: retryAfter) }
                + [problem("Problem", "Any other problem.", retryAfter: false)]),
        "schemas": ["Problem": problemSchema],
    ]

    private static func problem(_ name: String, _ meaning: String, retryAfter: Bool) -> JSON.Member {
        let headers = retryAfter ? responseHeaders.merging(["Retry-After": ["$ref": "#/components/headers/RetryAfter"]]) : responseHeaders
        return JSON.Member(
            name: name,
            value: [
                "description": .text(meaning), "headers": headers,
                "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
            ])
    }

    private static let problemSchema: JSON = [
        "type": "object",
        "description": "RFC 9457. `code` is stable; `detail` is for people and may change.",
        "required": ["type", "title", "status", "code"],
        "properties": [
            "type": ["type": "string", "format": "uri-reference"],
            "title": ["type": "string"],
            "status": ["type": "integer"],
            "detail": ["type": "string"],
            "instance": ["type": "string", "format": "uri-reference"],
            "code": ["type": "string", "description": "Such as `runs.already_finished`."],
            "request_id": ["type": "string"],
            "errors": [
                "type": "array", "description": "What is wrong with which field.",
                "items": [
                    "type": "object",
                    "properties": [
                        "pointer": ["type": "string", "description": "JSON Pointer into the body, or the parameter's name."],
                        "code": ["type": "string"],
                        "detail": ["type": "string"],
                    ],
                ],
            ],
            "violated-policies": [
                "type": "array", "description": "With 429: names of the limits that are used up.", "items": ["type": "string"],
            ],
        ],
    ]
}
