import Foundation
import Testing

@testable import ContractGenerator

@Suite("Options of fields")
struct FieldOptionTests {
    private static let method = #"rpc Touch(Touching) returns (Pet) { option (assay.rule) = { post: "/pets/{pet}" permission: "pets.write" }; }"#

    private func describe(_ field: String, _ messages: String = "") throws -> JSON {
        try Generation.pets(Self.method, "message Touching { string pet = 9; \(field); } \(messages)").openAPI()
    }

    @Test(
        "they become keywords of JSON Schema",
        arguments: [
            (#"string x = 1 [(assay.field) = { id: "prj" }]"#, #"{"type": "string", "pattern": "^(prj_[0-7][0-9a-hjkmnp-tv-z]{25})?$"}"#),
            (
                #"string x = 1 [(assay.field) = { id: "prj" required: true }]"#,
                #"{"type": "string", "pattern": "^prj_[0-7][0-9a-hjkmnp-tv-z]{25}$"}"#
            ),
            ("string x = 1 [(assay.field) = { required: true max_length: 9 }]", #"{"type": "string", "minLength": 1, "maxLength": 9}"#),
            (
                #"string x = 1 [(assay.field) = { min_length: 1 max_length: 9 pattern: "\\S" format: "uri" }]"#,
                #"{"type": "string", "minLength": 1, "maxLength": 9, "pattern": "\\S", "format": "uri"}"#
            ),
            (
                #"repeated string x = 1 [(assay.field) = { values: "a" values: "b" min_items: 1 max_items: 2 }]"#,
                #"{"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "minItems": 1, "maxItems": 2}"#
            ),
            (
                #"int32 x = 1 [(assay.field) = { index_of: "runs" }]"#,
                #"{"type": "integer", "format": "int32", "x-assay-index-of": "runs"}"#
            ),
            (
                "repeated Pet x = 1 [(assay.field) = { rows: true }]",
                ##"{"type": "array", "items": {"$ref": "#/components/schemas/Pet"}, "x-assay-rows": true}"##
            ),
            ("int64 x = 1 [(assay.field) = { minimum: 0 maximum: 7 }]", #"{"type": "integer", "format": "int64", "minimum": 0, "maximum": 7}"#),
            (
                #"map<string, string> x = 1 [(assay.field) = { max_items: 3 max_length: 5 key_pattern: "^a$" }]"#,
                #"{"type": "object", "additionalProperties": {"type": "string", "maxLength": 5}, "propertyNames": {"pattern": "^a$"}, "maxProperties": 3}"#
            ),
        ])
    func keywords(field: String, schema: String) throws {
        let found = try describe(field).at("components", "schemas", "Touching", "properties", "x")
        let expected = try JSONDecoder().decode(JSON.self, from: Data(schema.utf8))
        #expect(Set(found?.names ?? []) == Set(expected.names))
        for name in expected.names { #expect(found?[name] == expected[name], "\(name)") }
    }

    @Test("a body knows its required fields and no others")
    func required() throws {
        let body = try describe("string x = 1 [(assay.field) = { required: true }]").at("components", "schemas", "Touching")
        #expect(body?["required"] == ["x"] && body?["additionalProperties"] == false)
    }

    @Test("requests and answers have examples, composed of what the fields say")
    func examples() throws {
        let document = try Generation.pets(
            #"rpc Touch(Touching) returns (Box) { option (assay.rule) = { post: "/pets/{pet}" permission: "pets.write" }; }"#,
            """
            message Touching {
              string pet = 1 [(assay.field) = { id: "pet" }];
              string name = 2 [(assay.field) = { required: true }];
              int32 age = 3 [(assay.field) = { example: "7" }];
              string silent = 4;
              map<string, string> tags = 5 [(assay.field) = { example: "a=b=c" }];
              oneof food { string fish = 6 [(assay.field) = { example: "cod" }]; string meat = 7 [(assay.field) = { example: "beef" }]; }
            }
            message Box { string id = 1 [(assay.field) = { id: "box" }]; repeated Box inner = 2; double ratio = 3; bool full = 4; }
            """
        ).openAPI()
        let post = document.at("paths", "/pets/{pet}", "post")
        #expect(post?.at("parameters", "0", "example") == "pet_01jd3v9k2m8q4r6s7t0w1x2y3z")
        let expected = #"{"name": "Checkout", "age": 7, "tags": {"a": "b=c"}, "fish": "cod"}"#
        #expect(
            try post?.at("requestBody", "content", "application/json", "example") == JSONDecoder().decode(JSON.self, from: Data(expected.utf8)).sorted
        )
        let answer = post?.at("responses", "200", "content", "application/json", "example")
        #expect(answer?["id"] == "box_01jd3v9k2m8q4r6s7t0w1x2y3z" && answer?.at("inner", "0", "full") == true && answer?["ratio"] == .decimal("0.5"))
    }

    @Test("If-Match is a parameter, 412 and 428 are answers, and the ETag is a header of what has a version")
    func precondition() throws {
        let document = try Generation.pets(
            #"rpc Touch(Touching) returns (Box) { option (assay.rule) = { patch: "/pets/{pet}" permission: "pets.write" }; }"#,
            """
            message Touching { string pet = 1; string name = 2; int64 version = 3 [(assay.field) = { version: true required: true }]; }
            message Box { int64 version = 1 [(assay.field) = { version: true }]; }
            """
        ).openAPI()
        let patch = document.at("paths", "/pets/{pet}", "patch")
        #expect(patch?["parameters"]?.elements.contains(["$ref": "#/components/parameters/IfMatch"]) == true)
        #expect(patch?["responses"]?.names.contains("412") == true && patch?["responses"]?.names.contains("428") == true)
        #expect(patch?.at("responses", "200", "headers", "ETag", "$ref") == "#/components/headers/Version")
        #expect(document.at("components", "schemas", "Touching", "properties")?.names == ["name"])
    }

    @Test("what is deprecated is marked, with its headers")
    func deprecation() throws {
        let document = try Generation.pets(
            """
            rpc GetBox(BoxRequest) returns (Pet) {
              option deprecated = true;
              option (assay.rule) = { get: "/box" permission: "pets.read" deprecated_since: "2026-03-01" sunset: "2026-09-01" };
            }
            """, #"message BoxRequest { string x = 1 [deprecated = true, (assay.field) = { deprecated_since: "2026-03-01" }]; }"#
        ).openAPI()
        let get = document.at("paths", "/box", "get")
        #expect(get?["deprecated"] == true && get?["x-assay-sunset"] == "2026-09-01" && get?.at("parameters", "0", "deprecated") == true)
        #expect(get?.at("responses", "200", "headers", "Sunset") != nil)
    }

    @Test("the catalogue of errors is part of the document, and methods name its codes only")
    func errors() throws {
        let catalogue = """
            [{"code":"a.b","kind":"conflict","status":409,"title":"A","action":"Do."},
             {"code":"project.not_found","kind":"notFound","status":404,"title":"No such project","action":"Look."}]
            """
        func generate(_ code: String, _ errors: String) throws -> Generation {
            try Generation.pets(
                #"rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "/pets" permission: "pets.read" errors: "\#(code)" }; }"#,
                errors: errors)
        }
        let document = try generate("a.b", catalogue).openAPI()
        #expect(document.at("x-assay-errors", "0", "code") == "a.b" && document.at("paths", "/pets", "get", "x-assay-errors") == ["a.b"])
        #expect(document.at("components", "responses", "NotFound", "content", "application/problem+json", "example", "status") == 404)
        #expect(try generate("a.c", catalogue).problem.contains("the code a.c is not in errors.json"))
        let unsorted = catalogue.replacing("a.b", with: "z.b")
        #expect(try generate("z.b", unsorted).problem.contains("project.not_found belongs before z.b"))
    }

    @Test(
        "options that do not fit their field are refused",
        arguments: [
            ("repeated string x = 1 [(assay.field) = { rows: true }]", "rows"),
            (#"string x = 1 [(assay.field) = { index_of: "runs" }]"#, "index_of"),
            ("int32 x = 1 [(assay.field) = { max_length: 3 }]", "lengths"), ("string x = 1 [(assay.field) = { minimum: 3 }]", "minimum"),
            ("string x = 1 [(assay.field) = { max_items: 3 }]", "max_items"), ("int32 x = 1 [(assay.field) = { version: true }]", "version"),
            (#"string x = 1 [(assay.field) = { pattern: "(" }]"#, "regular expression"), ("string x = 1 [deprecated = true]", "deprecated_since"),
            (#"string x = 1 [(assay.field) = { deprecated_since: "2026-03-01" }]"#, "deprecated = true"),
            (#"string x = 1 [deprecated = true, (assay.field) = { deprecated_since: "soon" }]"#, "'soon' is no day"),
        ])
    func refused(field: String, problem: String) throws {
        let said = try Generation.pets(Self.method, "message Touching { string pet = 9; \(field); }").problem
        #expect(said.contains("Touching.x") && said.contains(problem), "\(said)")
    }
}

extension JSON {
    /// With the members of objects in alphabetical order, as decoding gives them.
    fileprivate var sorted: JSON {
        switch self {
        case .object(let members): .object(members.map { Member(name: $0.name, value: $0.value.sorted) }.sorted { $0.name < $1.name })
        default: self
        }
    }
}
