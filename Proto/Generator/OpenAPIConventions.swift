/// What holds for the whole HTTP interface and is therefore in no contract: authentication, errors, limits, and the words for fields that lists share.
enum OpenAPIConventions {
    static let info: JSON = [
        "title": "Assay",
        "version": "1.0.0",
        "description": .text(
            """
            Test results from any CI, executed suites, judged failures.

            Field names are snake_case, times RFC 3339 in UTC, durations integer milliseconds unless the name says otherwise. A field that has no value is \
            absent. JSON also leaves out a 0, a false and an empty text of fields that always have a value: those that \
            can be absent are named by `x-assay-optional` of their schema. Unknown enum values and fields may appear in answers at any time; a request with \
            an unknown field is refused. No text holds the \
            character NUL. Lists are read in pages: give `page.next_cursor` back as `cursor` until `page.has_more` is false.

            An answer to GET has an `ETag`: give it back in `If-None-Match` and get 304 while nothing has changed. Configuration is changed with the \
            `ETag` of what was read in `If-Match`, so that nobody undoes what somebody else has just done.

            A list can be had whole from the same address: with `Accept: text/csv` as a table (RFC 4180; nested fields are columns such as \
            `counts.passed`, texts that a spreadsheet would take for a formula have an apostrophe before them), with `Accept: application/x-ndjson` as one \
            JSON object a line; `?export=csv` and `?export=ndjson` say the same in a link. In both 0, false and an empty text of a field that always has a \
            value are written; an empty cell, or a field that a line lacks, is not known, no value, or a list with nothing in it. Where a list has the order \
            `sort=ID` an export has it unless it is given another: what was there when it began is in it once. In other orders, and in lists whose order \
            moves and that have none by id (`environment-incidents`, `trend-values`), elements that move meanwhile may be missing or come twice. Such a \
            request costs ten times what a page costs. With `limit` it holds at most so many elements, in the list's own order. It ends after 1,000,000 \
            of them with the trailer `Link: <…>; rel="next"`; one that fails on the way breaks off before the end of its body. Other lists of objects that \
            stand in an answer can be had so, too, each by its name (`?export=csv&list=reasons`), for what the answer costs.
            """),
    ]

    static let descriptions = [
        "limit": "Elements a page: 1–200, 50 when not given.",
        "cursor": "`page.next_cursor` of the page before.",
    ]

    /// The list of an answer that is read in pages.
    static let pagedList = "data"

    /// Which of an answer's lists is exported.
    static func listParameter(_ names: [String]) -> JSON {
        let standard = names.contains(pagedList) ? pagedList : names[0]
        return [
            "name": "list", "in": "query",
            "description": .text("Which list of the answer a table or lines are of; `\(standard)` when not given. JSON has all of them."),
            "schema": ["type": "string", "enum": .array(names.map(JSON.text)), "default": .text(standard)], "example": .text(standard),
        ]
    }

    /// The further forms of a list.
    static let exports: JSON = [
        "text/csv": [
            "schema": ["type": "string", "description": "The whole list as a table."], "example": "id,name,counts.passed\r\n1,checkout,411\r\n",
        ],
        "application/x-ndjson": [
            "schema": ["type": "string", "description": "The whole list, one JSON object a line."],
            "example": "{\"id\":\"1\",\"name\":\"checkout\"}\n",
        ],
    ]

    /// One event of a stream: what OpenAPI 3.2 will have its own word for, and tools read so already.
    static func eventSchema(_ message: JSON) -> JSON {
        [
            "type": "object", "description": "One event.", "required": ["data"],
            "properties": [
                "id": ["type": "string"], "event": ["type": "string"],
                "data": ["type": "string", "contentMediaType": "application/json", "contentSchema": message],
            ],
        ]
    }

    /// Cursors have no example: each is signed for its list.
    static func isCursor(_ name: String) -> Bool { name == "cursor" }

    /// An id or a slug; the contract of projects says the same.
    static let projectPattern = "^(prj_[0-7][0-9a-hjkmnp-tv-z]{25}|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$"

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
        ("412", "PreconditionFailed", "The object has changed since the version that If-Match names: read it again.", false),
        ("422", "Unprocessable", "The content cannot be taken, or the Idempotency-Key was used with another request.", false),
        ("428", "PreconditionRequired", "The request needs If-Match.", false),
        ("429", "TooManyRequests", "A limit is used up.", true),
        ("503", "Unavailable", "A part of the service cannot be reached just now.", true),
    ]

    static func errorResponses(withPrecondition: Bool) -> JSON {
        let some = errors.filter { withPrecondition || !["412", "428"].contains($0.status) }
        return .object(
            (some.map { ($0.status, $0.name) } + [("default", "Problem")]).map { status, name in
                JSON.Member(name: status, value: ["$ref": .text("#/components/responses/\(name)")])
            })
    }

    static let deprecationHeaders: JSON = [
        "Deprecation": ["$ref": "#/components/headers/Deprecation"], "Sunset": ["$ref": "#/components/headers/Sunset"],
    ]

    static func components(_ catalogue: [CataloguedError]) -> JSON {
        parts.merging([
            "responses": .object(
                errors.map { status, name, meaning, retryAfter in
                    problem(name, meaning, retryAfter: retryAfter, example: typical[status].flatMap { code in catalogue.first { $0.code == code } })
                } + [problem("Problem", "Any other problem.", retryAfter: false, example: catalogue.first { $0.code == "internal" })])
        ])
    }

    /// The code that a status is shown with.
    private static let typical = [
        "400": "request.malformed_json", "401": "auth.key_invalid", "403": "auth.scope_missing", "404": "project.not_found",
        "409": "idempotency.running", "412": "precondition_failed", "422": "request.invalid", "428": "precondition_required",
        "429": "rate_limited", "503": "rpc.unavailable",
    ]

    private static let parts: JSON = [
        "securitySchemes": [
            "bearerAuth": ["type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer asy_…`."],
            "apiKey": [
                "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "The same key, for tools that cannot send a bearer token.",
            ],
        ],
        "parameters": [
            "IdempotencyKey": [
                "name": "Idempotency-Key", "in": "header",
                "description": "Chosen by the client. Repeating a request with its key gives the first answer again, for 7 days.",
                "schema": ["type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]([ -~]*[!-~])?$"],
            ],
            "IfMatch": ifMatch(isRequired: true, "The `ETag` of what is to be changed, or `*` to change it whatever it is. 428 when absent."),
            "OptionalIfMatch": ifMatch(isRequired: false, "The `ETag` of what was read: another version is not touched."),
            "Export": [
                "name": "export", "in": "query",
                "description": "The whole list instead of the answer, as with `Accept: text/csv` or `application/x-ndjson`.",
                "schema": ["type": "string", "enum": ["csv", "ndjson"]],
            ],
            "LastEventID": [
                "name": "Last-Event-ID", "in": "header", "description": "Id of the last event that was received; the stream goes on after it.",
                "schema": ["type": "string", "maxLength": 18, "pattern": "^[0-9]*$"],
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
            "ETag": ["description": "Names this answer, for `If-None-Match`.", "schema": ["type": "string"]],
            "Version": [
                "description": "Names this version of the object, for `If-None-Match` and `If-Match`.", "schema": ["type": "string"],
            ],
            "Deprecation": ["description": "Since when this is deprecated (RFC 9745): `@1772323200`.", "schema": ["type": "string"]],
            "Sunset": ["description": "When it may be gone (RFC 8594), as an HTTP date.", "schema": ["type": "string"]],
            "RetryAfter": ["description": "Seconds to wait before the request can succeed.", "schema": ["type": "integer", "minimum": 0]],
            "IdempotentReplayed": [
                "description": "`true` when this is the first answer once more.", "schema": ["type": "string", "enum": ["true"]],
            ],
        ],
        "schemas": ["Problem": problemSchema],
    ]

    private static func ifMatch(isRequired: Bool, _ text: String) -> JSON {
        [
            "name": "If-Match", "in": "header", "required": .boolean(isRequired), "description": .text(text),
            "schema": ["type": "string", "pattern": #"^(\*|(W/)?"[!#-~]*")$"#], "example": #""3.1l4hbqm5ctsgv""#,
        ]
    }

    private static func problem(_ name: String, _ meaning: String, retryAfter: Bool, example: CataloguedError?) -> JSON.Member {
        let headers = retryAfter ? responseHeaders.merging(["Retry-After": ["$ref": "#/components/headers/RetryAfter"]]) : responseHeaders
        return JSON.Member(
            name: name,
            value: [
                "description": .text(meaning), "headers": headers,
                "content": [
                    "application/problem+json": JSON(members: [
                        ("schema", ["$ref": "#/components/schemas/Problem"]), ("example", example.map(document)),
                    ])
                ],
            ])
    }

    private static func document(_ error: CataloguedError) -> JSON {
        [
            "type": .text("https://assay.example.com/errors/\(error.code)"), "title": .text(error.title), "status": .integer(error.status),
            "detail": .text(error.action), "instance": "/api/v1/projects/web-shop", "code": .text(error.code),
            "request_id": "req_4bf92f3577b34da6a3ce929d0e0e4736",
        ]
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
