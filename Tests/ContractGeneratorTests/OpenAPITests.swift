import Foundation
import Testing

@testable import ContractGenerator

@Suite("openapi.json")
struct OpenAPITests {
    private func describe(_ method: String, _ messages: String = "") throws -> JSON {
        try Generation.pets(method, messages).openAPI()
    }

    @Test("a read has path and query parameters, described by the fields' comments, and the standard words where there are none")
    func parameters() throws {
        let get = try describe(
            """
            // All of them.
            // Newest first.
            rpc ListPets(ListPetsRequest) returns (PetList) { option (assay.rule) = { get: "/zoos/{zoo}/pets" permission: "pets.read" cost: 2 }; }
            """,
            """
            message ListPetsRequest {
              string zoo = 1;
              int32 limit = 2;
              // Any of them.
              repeated assay.v1.Outcome.Value outcome = 3;
            }
            """
        ).at("paths", "/zoos/{zoo}/pets", "get")
        #expect(get?["operationId"] == "listPets")
        #expect(get?["summary"] == "List pets")
        #expect(get?["description"] == "All of them. Newest first.")
        #expect(get?["tags"] == ["Pets"])
        #expect(get?["x-assay-permission"] == "pets.read")
        #expect(get?["x-assay-cost"] == 2)
        #expect(get?["requestBody"] == nil)
        let parameters = get?["parameters"]
        #expect(parameters?.elements.map { $0["in"] } == ["path", "query", "query", nil])
        #expect(parameters?.at("3", "$ref") == "#/components/parameters/Export")
        #expect(parameters?.at("0", "required") == true)
        #expect(parameters?.at("0", "description") == "Id of the zoo.")
        #expect(parameters?.at("1", "schema", "format") == "int32")
        #expect(parameters?.at("1", "description") == "Elements a page: 1–200, 50 when not given.")
        #expect(parameters?.at("2", "description") == "Any of them.")
        #expect(parameters?.at("2", "schema", "items", "$ref") == "#/components/schemas/Outcome")
    }

    @Test("lists of objects that stand in an answer are named by a parameter, of whatever asks and changes nothing")
    func lists() throws {
        let document = try describe(
            """
            rpc GetBox(PetRequest) returns (Box) { option (assay.rule) = { get: "/box" permission: "pets.read" }; }
            rpc TryBox(PetRequest) returns (Box) { option (assay.rule) = { post: "/box:try" permission: "pets.read" route_class: READ idempotency: false }; }
            rpc FillBox(PetRequest) returns (Box) { option (assay.rule) = { post: "/box" permission: "pets.write" }; }
            """,
            "message Box { repeated string words = 1; repeated Pet pets = 2; map<string, Pet> named = 3; repeated Pet more = 4; }")
        for (path, verb, lists) in [
            ("/box", "get", ["pets", "more"]), ("/box:try", "post", ["pets", "more"]), ("/box", "post", []),
        ] as [(String, String, [String])] {
            let operation = document.at("paths", path, verb)
            let list = operation?["parameters"]?.elements.first { $0["name"] == "list" }
            #expect(list?.at("schema", "enum") == (lists.isEmpty ? nil : JSON.array(lists.map(JSON.text))), "\(verb) \(path)")
            #expect(list?["example"] == lists.first.map(JSON.text) && list?.at("schema", "default") == list?["example"])
            let types = Set(operation?.at("responses", "200", "content")?.names ?? [])
            #expect(types == (lists.isEmpty ? ["application/json"] : ["application/json", "text/csv", "application/x-ndjson"]), "\(verb) \(path)")
        }
    }

    @Test("a change has its fields in the body, those of the path excepted, and takes an idempotency key")
    func body() throws {
        let document = try describe(
            #"rpc FeedPet(FeedPetRequest) returns (Pet) { option (assay.rule) = { post: "/pets/{pet}:feed" permission: "pets.feed" success_status: 202 }; }"#,
            "message FeedPetRequest { string pet = 1; string food = 2; }")
        let post = document.at("paths", "/pets/{pet}:feed", "post")
        #expect(post?.at("requestBody", "content", "application/json", "schema", "$ref") == "#/components/schemas/FeedPetRequest")
        #expect(document.at("components", "schemas", "FeedPetRequest", "properties")?.names == ["food"])
        #expect(post?.at("parameters", "1", "$ref") == "#/components/parameters/IdempotencyKey")
        #expect(post?.at("responses", "202", "headers", "Idempotent-Replayed") != nil)
        #expect(post?.at("responses", "202", "content", "application/json", "schema", "$ref") == "#/components/schemas/Pet")
    }

    @Test("an action without further fields has no body")
    func noBody() throws {
        let document = try describe(
            #"rpc FeedPet(PetRequest) returns (Pet) { option (assay.rule) = { post: "/pets/{pet}:feed" permission: "pets.feed" }; }"#)
        #expect(document.at("paths", "/pets/{pet}:feed", "post", "requestBody") == nil)
        #expect(document.at("components", "schemas", "PetRequest") == nil)
    }

    @Test("every operation lists the standard problems, and each problem the rate limit's headers")
    func problems() throws {
        let document = try describe(
            #"rpc ClearPets(PetRequest) returns (assay.v1.Empty) { option (assay.rule) = { delete: "/pets" permission: "pets.write" success_status: 204 }; }"#
        )
        let responses = document.at("paths", "/pets", "delete", "responses")
        #expect(responses?.names == ["204", "400", "401", "403", "404", "409", "422", "429", "503", "default"])
        #expect(responses?.at("204", "content") == nil)
        #expect(responses?.at("204", "headers", "RateLimit") != nil)
        let problems = document.at("components", "responses")
        for name in problems?.names ?? [] {
            #expect(problems?.at(name, "content", "application/problem+json", "schema", "$ref") == "#/components/schemas/Problem")
            #expect(problems?.at(name, "headers", "RateLimit-Policy") != nil)
        }
        #expect(problems?.at("TooManyRequests", "headers", "Retry-After") != nil)
    }

    @Test("a stream of answers is server-sent events and can be continued")
    func events() throws {
        let get = try describe(
            #"rpc WatchPets(PetRequest) returns (stream Pet) { option (assay.rule) = { get: "/pets" permission: "authenticated" }; }"#
        ).at("paths", "/pets", "get")
        #expect(get?.at("responses", "200", "content")?.names == ["text/event-stream"])
        let event = get?.at("responses", "200", "content", "text/event-stream")
        #expect(event?.at("schema", "properties", "data", "contentSchema", "$ref") == "#/components/schemas/Pet")
        #expect(event?.at("example", "data") == #"{"id":"id"}"#)
        #expect(get?.at("parameters", "1", "$ref") == "#/components/parameters/LastEventID")
    }

    @Test("both ways to send a key are declared; a public operation needs none")
    func security() throws {
        let document = try describe(
            #"rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "/pets" permission: "public" }; }"#)
        #expect(document["security"] == [["bearerAuth": []], ["apiKey": []]])
        #expect(document.at("components", "securitySchemes", "apiKey", "name") == "X-Api-Key")
        #expect(document.at("paths", "/pets", "get", "security") == [])
    }

    @Test(
        "a field's schema is what protobuf JSON prints",
        arguments: [
            ("string x", #"{"type": "string"}"#), ("int64 x", #"{"type": "integer", "format": "int64"}"#), ("double x", #"{"type": "number"}"#),
            ("uint32 x", #"{"type": "integer", "format": "int64", "minimum": 0}"#), ("bytes x", #"{"type": "string", "contentEncoding": "base64"}"#),
            ("google.protobuf.Timestamp x", #"{"type": "string", "format": "date-time"}"#), ("google.protobuf.Struct x", #"{"type": "object"}"#),
            ("google.protobuf.Value x", "{}"), ("repeated Pet x", ##"{"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}"##),
            ("map<string, int32> x", #"{"type": "object", "additionalProperties": {"type": "integer", "format": "int32"}}"#),
            ("map<string, Pet> x", ##"{"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Pet"}}"##),
            ("Box x", ##"{"$ref": "#/components/schemas/Box"}"##), ("Mood x", ##"{"$ref": "#/components/schemas/Box.Mood"}"##),
        ])
    func schema(field: String, schema: String) throws {
        let document = try describe(
            #"rpc GetBox(PetRequest) returns (Box) { option (assay.rule) = { get: "/box" permission: "pets.read" }; }"#,
            "message Box { \(field) = 1; enum Mood { MOOD_UNSPECIFIED = 0; GLAD = 1; } }")
        let expected = try JSONDecoder().decode(JSON.self, from: Data(schema.utf8))
        #expect(document.at("components", "schemas", "Box", "properties", "x") == expected)
    }

    @Test("an enum lists the values that travel, with their comments")
    func enumeration() throws {
        let document = try describe(
            #"rpc GetBox(PetRequest) returns (Box) { option (assay.rule) = { get: "/box" permission: "pets.read" }; }"#,
            """
            message Box {
              // How it feels.
              enum Mood {
                MOOD_UNSPECIFIED = 0;
                // Tail up.
                GLAD = 1;
                SAD = 2;
              }
              Mood mood = 1;
            }
            """)
        let mood = document.at("components", "schemas", "Box.Mood")
        #expect(mood?["enum"] == ["GLAD", "SAD"])
        #expect(mood?["description"] == "How it feels.\n\n- `GLAD`: Tail up.")
    }

    @Test("at most one member of a oneof is allowed")
    func oneof() throws {
        let document = try describe(
            #"rpc GetBox(PetRequest) returns (Box) { option (assay.rule) = { get: "/box" permission: "pets.read" }; }"#,
            "message Box { oneof content { string cat = 1; string dog = 2; } optional string label = 3; }")
        let box = document.at("components", "schemas", "Box")
        #expect(box?["properties"]?.names == ["cat", "dog", "label"])
        #expect(box?["allOf"]?.elements.count == 1)
        #expect(box?.at("allOf", "0", "oneOf", "1", "required") == ["dog"])
        #expect(box?.at("allOf", "0", "oneOf", "2", "not", "anyOf", "0", "required") == ["cat"])
    }

    @Test("fields that can be absent are named: those with presence, of which 0, false and an empty text are printed as well")
    func presence() throws {
        let schemas = try describe(
            #"rpc GetBox(PetRequest) returns (Box) { option (assay.rule) = { get: "/box" permission: "pets.read" }; }"#,
            """
            message Box {
              int32 count = 1; string label = 2; repeated Pet pets = 3; map<string, Pet> named = 4; assay.v1.Outcome.Value outcome = 5;
              optional int32 more = 6; Pet pet = 7; google.protobuf.Timestamp at = 8; oneof content { bool cat = 9; }
            }
            """
        ).at("components", "schemas")
        #expect(schemas?.at("Box", "x-assay-optional") == ["more", "pet", "at", "cat"])
        #expect(schemas?.at("Pet", "x-assay-optional") == nil)
    }

    @Test("types of two services with one name are told apart by the service's name")
    func sameName() throws {
        let method = #"rpc %Pet(PetRequest) returns (Pet) { option (assay.rule) = { get: "/%" permission: "pets.read" }; }"#
        let zoo = Generation.petsText(method.replacing("%", with: "Show")).replacing("assay.pets.v1", with: "assay.zoo.v1")
        let document = try Generation(["Pets/pets.proto": Generation.petsText(method.replacing("%", with: "Get")), "Zoo/zoo.proto": zoo]).openAPI()
        #expect(document.at("components", "schemas")?.names == ["Pet", "Problem", "zoo.Pet"])
    }

    @Test("the document is the same every time and escapes what JSON must")
    func deterministic() throws {
        let method = """
            // Says "hello",\tC:\\path, “ünïcode”.
            rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "/pets" permission: "pets.read" }; }
            """
        let (first, second) = (try Generation.pets(method), try Generation.pets(method))
        #expect(first.files == second.files)
        #expect(try first.openAPI().at("paths", "/pets", "get", "description") == "Says \"hello\",\tC:\\path, “ünïcode”.")
    }
}
