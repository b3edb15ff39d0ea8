import Testing

@testable import ContractGenerator

@Suite("What does not generate")
struct RuleTests {
    @Test(
        "a rule that is wrong is refused with its file, service, method and what to do",
        arguments: [
            (#"get: "/pets""#, "the rule has no permission; name one, or say \"authenticated\" or \"public\""),
            (#"permission: "pets.read""#, "the rule has no verb and path"),
            (#"get: "/pets" permission: "everyone""#, "'everyone' is no permission"),
            (#"get: "/pets/{name}" permission: "pets.read""#, "the path parameter {name} is no field of PetRequest"),
            (#"get: "/pets/{pet}/{pet}" permission: "pets.read""#, "names a field twice"),
            (#"get: "pets" permission: "pets.read""#, "does not begin with '/'"),
            (#"get: "/pets/" permission: "pets.read""#, "the segment '' of the path"),
            (#"get: "/pets/{pet}:feed/more" permission: "pets.read""#, "the segment '{pet}:feed' of the path"),
            (#"get: "/pets" permission: "pets.read" cost: -1"#, "the cost is negative"),
            (#"get: "/pets" permission: "pets.read" success_status: 302"#, "302 is no status of success"),
            (#"get: "/pets" permission: "pets.read" success_status: 204"#, "an answer with status 204 cannot have fields"),
        ])
    func refusedRule(rule: String, reason: String) throws {
        let generation = try Generation.pets("rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { \(rule) }; }")
        #expect(generation.problem.hasPrefix("Pets/pets.proto: Pets.GetPet: "))
        #expect(generation.problem.contains(reason))
        #expect(generation.files.isEmpty)
    }

    @Test(
        "a request that cannot travel is refused",
        arguments: [
            ("rpc FindPets(Search) returns (PetList)", #"get: "/pets""#, "GET has no body and the field 'example' does not fit into the query"),
            ("rpc FindPets(Search) returns (PetList)", #"delete: "/pets""#, "DELETE has no body and the field 'example'"),
            ("rpc FindPets(Numbered) returns (PetList)", #"get: "/pets/{number}""#, "the path parameter {number} must be a single string field"),
            ("rpc FindPets(Numbered) returns (PetList)", #"get: "/pets/{names}""#, "the path parameter {names} must be a single string field"),
            ("rpc FindPets(PetRequest) returns (stream Pet)", #"post: "/pets""#, "an answer that streams needs the verb get"),
            ("rpc FindPets(stream PetRequest) returns (Pet)", #"get: "/pets""#, "a request that streams needs a verb with a body"),
            ("rpc FindPets(stream PetRequest) returns (stream Pet)", #"get: "/pets""#, "streams both ways"),
        ])
    func refusedRequest(method: String, rule: String, reason: String) throws {
        let generation = try Generation.pets(
            #"\#(method) { option (assay.rule) = { \#(rule) permission: "pets.read" }; }"#,
            "message Search { Pet example = 1; } message Numbered { int64 number = 1; repeated string names = 2; }")
        #expect(generation.problem.hasPrefix("Pets/pets.proto: Pets.FindPets: "))
        #expect(generation.problem.contains(reason))
    }

    @Test(
        "two methods that answer the same requests are refused, and the other is named",
        arguments: [
            ("/pets/{pet}", "/pets/{pet}", true), ("/pets/{pet}", "/pets/newest", true), ("/pets/{pet}:feed", "/pets/{pet}:feed", true),
            ("/pets/{pet}", "/pets/{pet}:feed", false), ("/pets/{pet}", "/pets/{pet}/food", false), ("/pets", "/cats", false),
        ])
    func overlap(first: String, second: String, refused: Bool) throws {
        let generation = try Generation.pets(
            """
            rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "\(first)" permission: "pets.read" }; }
            rpc FindPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "\(second)" permission: "pets.read" }; }
            """)
        let expected = "Pets/pets.proto: Pets.FindPet: GET \(second) answers the same requests as \(first) of Pets/pets.proto: Pets.GetPet"
        #expect(generation.problem == (refused ? expected : ""))
    }

    @Test("the same path with another verb is another route")
    func verbs() throws {
        let generation = try Generation.pets(
            """
            rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "/pets/{pet}" permission: "pets.read" }; }
            rpc DeletePet(PetRequest) returns (assay.v1.Empty) { option (assay.rule) = { delete: "/pets/{pet}" permission: "pets.write" }; }
            """)
        #expect(try generation.openAPI().at("paths", "/pets/{pet}")?.names == ["delete", "get"])
    }

    @Test("a method's name with a route is unique over all contracts, because it is the operation's id")
    func uniqueNames() throws {
        let method = #"rpc GetPet(PetRequest) returns (Pet) { option (assay.rule) = { get: "/%" permission: "pets.read" }; }"#
        let other = Generation.petsText(method.replacing("%", with: "b")).replacing("assay.pets.v1", with: "assay.zoo.v1")
        let generation = try Generation(["Pets/pets.proto": Generation.petsText(method.replacing("%", with: "a")), "Zoo/zoo.proto": other])
        #expect(generation.problem.hasPrefix("Zoo/zoo.proto: Pets.GetPet: Pets/pets.proto: Pets.GetPet has the same name"))
    }

    @Test("an upload whose body nobody described is refused")
    func upload() throws {
        let method = #"rpc SendPets(stream Pet) returns (Pet) { option (assay.rule) = { post: "/pets/{zoo}" permission: "pets.write" }; }"#
        #expect(try Generation.pets(method).problem.contains("its body must be described by hand in the OpenAPI fragment"))

        let fragment = #"{"paths": {"/pets/{zoo}": {"post": {"requestBody": {"content": {"image/png": {}}}}}}}"#
        let post = try Generation.pets(method, fragment: fragment).openAPI().at("paths", "/pets/{zoo}", "post")
        #expect(post?.at("requestBody", "content")?.names == ["image/png"])
        #expect(post?.at("parameters", "0", "name") == "zoo")
        #expect(post?["operationId"] == "sendPets")
    }
}
