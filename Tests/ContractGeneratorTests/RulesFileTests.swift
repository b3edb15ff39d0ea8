import CommonAPI
import Contract
import ExecutionAPI
import SwiftProtobuf
import Testing

@testable import ContractGenerator

@Suite("Rules and routes in Swift")
struct RulesFileTests {
    @Test(
        "each verb becomes a route that says where the request's fields travel",
        arguments: [("get", "query", false), ("post", "body", true), ("put", "body", false), ("patch", "body", true), ("delete", "query", false)])
    func verb(verb: String, place: String, takesKey: Bool) throws {
        let text = try Generation.pets(
            """
            rpc Touch(Touching) returns (Pet) {
              option (assay.rule) = { \(verb): "/pets/{pet}" permission: "pets.write" cost: 3 audit: "pet.touched" success_status: 202 timeout_ms: 1500 };
            }
            """, "message Touching { string pet = 1; string where = 2; }"
        ).rules()
        #expect(
            text.contains(#"MethodRule(PBPets.Method.Touch.descriptor, permission: "pets.write", cost: 3, audit: "pet.touched"),"#))
        #expect(
            text.contains(
                """
                        Route(
                            rules[0], .\(verb), "/pets/{pet}",
                            request: PBTouching.self, response: PBPet.self,
                            fields: [
                                RequestField("pet", .text, in: .path),
                                RequestField("where", .text, in: .\(place)),
                            ],
                            successStatus: 202,\(takesKey ? " takesIdempotencyKey: true," : "") timeout: .milliseconds(1500)
                        ),
                """))
    }

    @Test("a route's class and quota reach the gateway where the contract names them")
    func limits() throws {
        let text = try Generation.pets(
            """
            rpc Feed(PetRequest) returns (Pet) {
              option (assay.rule) = { post: "/pets/{pet}:feed" permission: "pets.feed" route_class: TRIGGER quota: "food" };
            }
            """
        ).rules()
        #expect(
            text.contains(#"MethodRule(PBPets.Method.Feed.descriptor, permission: "pets.feed", routeClass: .trigger, quota: "food"),"#), "\(text)")
    }

    @Test("a method without a rule is internal: it has a rule without a permission and no route")
    func internalMethod() throws {
        let text = try Generation.pets("rpc GetPet(PetRequest) returns (Pet);").rules()
        #expect(text.contains("MethodRule(PBPets.Method.GetPet.descriptor),"))
        #expect(text.contains("static let routes: [Route] = []"))
    }

    @Test("lists of the answer, streams and refused idempotency keys are marked")
    func marks() throws {
        let text = try Generation.pets(
            """
            rpc ListPets(PetRequest) returns (PetList) { option (assay.rule) = { post: "/pets" permission: "pets.read" idempotency: false }; }
            rpc WatchPets(PetRequest) returns (stream Pet) { option (assay.rule) = { get: "/pets/events" permission: "public" }; }
            rpc ClearPets(PetRequest) returns (assay.v1.Empty) { option (assay.rule) = { delete: "/pets" permission: "pets.write" }; }
            """
        ).rules()
        #expect(text.contains("ResponseList(\"data\", in: PBPetList.self) { $0.data.isEmpty }, ResponseList(\"notes\", in: PBPetList.self)"))
        #expect(!text.contains("takesIdempotencyKey"))
        #expect(text.contains("responseStreams: true"))
        #expect(text.contains("permission: \"public\""))
    }

    @Test(
        "a field's kind follows its type",
        arguments: [
            ("string x", ".text"), ("bool x", ".boolean"), ("int32 x", ".int32"), ("sint64 x", ".int64"), ("uint32 x", ".uint32"),
            ("fixed64 x", ".uint64"), ("double x", ".number"), ("bytes x", ".bytes"), ("google.protobuf.Timestamp x", ".timestamp"),
            ("optional string x", ".text"), ("google.protobuf.Struct x", ".structure"),
            ("assay.v1.Outcome.Value x", #".choice(["PASSED", "FAILED", "ERRORED", "SKIPPED"])"#),
        ])
    func kind(field: String, kind: String) throws {
        let method = #"rpc Touch(Touching) returns (Pet) { option (assay.rule) = { post: "/pets" permission: "pets.write" }; }"#
        let text = try Generation.pets(method, "message Touching { \(field) = 1; }").rules()
        #expect(text.contains("RequestField(\"x\", \(kind), in: .body),"))
    }

    @Test(
        "what a field may hold becomes a shape that the gateway enforces",
        arguments: [
            (
                #"string x = 1 [(assay.field) = { required: true min_length: 1 max_length: 9 }]"#,
                ".text, in: .body, shape: Shape(.text, Shape.Bounds(isRequired: true, minLength: 1, maxLength: 9))"
            ),
            (
                "int32 x = 1 [(assay.field) = { minimum: 0 maximum: 60 }]",
                ".int32, in: .body, shape: Shape(.number, Shape.Bounds(minimum: 0, maximum: 60))"
            ),
            (
                "repeated string x = 1 [(assay.field) = { max_items: 5 max_length: 3 }]",
                ".text, in: .body, isRepeated: true, shape: Shape(.list(Shape(.text, Shape.Bounds(maxLength: 3))), Shape.Bounds(maxItems: 5))"
            ),
            (
                "map<string, string> x = 1 [(assay.field) = { max_items: 5 max_length: 3 }]",
                ".structure, in: .body, shape: Shape(.map(Shape(.text, Shape.Bounds(maxLength: 3))), Shape.Bounds(maxItems: 5))"
            ),
            ("Pet x = 1", #".structure, in: .body, shape: Shape(.object([Shape.Member("id", Shape(.text))]))"#),
            ("Loop x = 1", #".structure, in: .body, shape: Shape(.object([Shape.Member("next", Shape(.any))]))"#),
            (
                "int64 x = 1 [(assay.field) = { version: true required: true }]",
                ".int64, in: .header, shape: Shape(.number, Shape.Bounds(isRequired: true))"
            ),
            (
                #"string x = 1 [deprecated = true, (assay.field) = { deprecated_since: "2026-03-01" sunset: "2026-09-01" }]"#,
                ".text, in: .body, deprecation: Deprecation(since: 1772323200, sunset: 1788220800)"
            ),
        ])
    func shape(field: String, swift: String) throws {
        let method = #"rpc Touch(Touching) returns (Pet) { option (assay.rule) = { post: "/pets" permission: "pets.write" }; }"#
        let text = try Generation.pets(method, "message Touching { \(field); } message Loop { Loop next = 1; }").rules()
        #expect(text.contains("RequestField(\"x\", \(swift)),"), "\(text)")
    }

    @Test("the version of an answer and a method's end are told")
    func versionAndDeprecation() throws {
        let text = try Generation.pets(
            """
            rpc GetBox(PetRequest) returns (Box) {
              option deprecated = true;
              option (assay.rule) = { get: "/box" permission: "pets.read" deprecated_since: "2026-03-01" };
            }
            """, "message Box { int64 version = 1 [(assay.field) = { version: true }]; }"
        ).rules()
        #expect(text.contains("version: ResponseVersion(in: PBBox.self) { $0.version },"))
        #expect(text.contains("deprecation: Deprecation(since: 1772323200)"))
    }

    @Test("types of another folder are named with their module")
    func otherModule() throws {
        let method = #"rpc ClearPets(PetRequest) returns (assay.v1.Empty) { option (assay.rule) = { delete: "/pets" permission: "pets.write" }; }"#
        let common = "syntax = \"proto3\"; package assay.v1; option swift_prefix = \"PB\"; message Empty {} message Page {}"
        let generation = try Generation(["Common/common.proto": common, "Pets/pets.proto": Generation.petsText(method)])
        #expect(try generation.rules().contains("import CommonAPI\nimport Contract\n"))
        #expect(try generation.rules().contains("response: CommonAPI.PBEmpty.self"))
    }

    @Test("a route of the real contracts decodes its request and names the empty lists of its answer")
    func realRoute() throws {
        let route = try #require(ExecutionContract.routes.first { $0.path.description == "/api/v1/runs/{run}/results" })
        let request = try route.request.init(jsonString: #"{"run": "run_1", "limit": 5, "outcome": ["FAILED"]}"#) as? PBListResultsRequest
        #expect(request?.run == "run_1")
        #expect(request?.outcome == [.failed])
        #expect(route.emptyLists(in: PBListResultsResponse()) == ["data"])
        #expect(route.emptyLists(in: PBListResultsResponse.with { $0.data = [PBResult()] }) == [])
    }
}
