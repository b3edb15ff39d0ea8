import Contract
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// A method with its rule, checked: what is wrong with a contract by itself is found here, what is wrong between contracts in `checkTogether`.
struct Operation {
    let method: MethodDescriptor
    /// Nil for an internal method.
    let exposure: Exposure?

    /// How a method is seen from outside.
    struct Exposure {
        let verb: Route.Verb
        let path: PathTemplate
        let permission: String
        let cost: Int
        let audit: String?
        let successStatus: Int
        let takesIdempotencyKey: Bool
        let timeoutMilliseconds: Int?
        /// Where the contract names one.
        let routeClass: RouteClass?
        let quota: String?
        /// Codes that only some methods answer with.
        let errors: [String]
        let deprecation: Deprecation?
        let fields: [(field: FieldDescriptor, place: RequestField.Place)]

        func fields(in place: RequestField.Place) -> [FieldDescriptor] { fields.filter { $0.place == place }.map(\.field) }

        /// The field that `If-Match` fills; of what is only read, `If-None-Match` fills it (`revalidates`).
        var precondition: FieldDescriptor? { verb == .get ? nil : fields(in: .header).first }

        /// The answer depends on nothing but the request and a revision, so whoever has it need not be given it again.
        var revalidates: Bool { verb == .get && !fields(in: .header).isEmpty }
    }

    /// `Execution/runs.proto: Runs.StartRun`
    var name: String { "\(method.file.name): \(method.service.name).\(method.name)" }

    /// `startRun`
    var id: String { method.name.prefix(1).lowercased() + method.name.dropFirst() }

    init(_ method: MethodDescriptor) throws {
        self.method = method
        exposure = method.options.hasPBrule ? try Exposure(method.options.PBrule, of: method) : nil
    }

    static func checkTogether(_ operations: [Operation]) throws {
        var names: [String: Operation] = [:]
        var seen: [(Operation, Exposure)] = []
        for operation in operations {
            guard let exposure = operation.exposure else { continue }
            if let other = seen.first(where: { $0.1.verb == exposure.verb && $0.1.path.overlaps(exposure.path) }) {
                throw ContractProblem(
                    "\(operation.name): \(exposure.verb.rawValue) \(exposure.path) answers the same requests as \(other.1.path) of \(other.0.name)")
            }
            if let other = names.updateValue(operation, forKey: operation.method.name) {
                throw ContractProblem("\(operation.name): \(other.name) has the same name; method names with a rule are unique in the whole API")
            }
            seen.append((operation, exposure))
        }
    }
}

extension Operation.Exposure {
    init(_ rule: PBRule, of method: MethodDescriptor) throws {
        func problem(_ text: String) -> ContractProblem { ContractProblem("\(method.file.name): \(method.service.name).\(method.name): \(text)") }

        let text: String
        switch rule.pattern {
        case .get(let path): (verb, text) = (.get, path)
        case .post(let path): (verb, text) = (.post, path)
        case .put(let path): (verb, text) = (.put, path)
        case .patch(let path): (verb, text) = (.patch, path)
        case .delete(let path): (verb, text) = (.delete, path)
        case nil: throw problem("the rule has no verb and path; write get: \"/api/v1/…\", or remove the rule to make the method internal")
        }
        do { path = try PathTemplate(text) } catch { throw problem(error.description) }

        guard !rule.permission.isEmpty else {
            throw problem("the rule has no permission; name one, or say \"authenticated\" or \"public\"")
        }
        guard rule.permission.wholeMatch(of: /public|authenticated|[a-z]+(\.[a-z]+)+/) != nil else {
            throw problem("'\(rule.permission)' is no permission; write \"resource.action\", \"authenticated\" or \"public\"")
        }
        permission = rule.permission
        cost = rule.hasCost ? Int(rule.cost) : 1
        guard cost >= 0 else { throw problem("the cost is negative") }
        audit = rule.audit.isEmpty ? nil : rule.audit
        successStatus = rule.hasSuccessStatus ? Int(rule.successStatus) : 200
        guard (200...299).contains(successStatus) else { throw problem("\(successStatus) is no status of success") }
        guard successStatus != 204 || method.outputType.fields.isEmpty else { throw problem("an answer with status 204 cannot have fields") }
        guard rule.timeoutMs >= 0 else { throw problem("the time-out is negative") }
        timeoutMilliseconds = rule.timeoutMs > 0 ? Int(rule.timeoutMs) : nil
        quota = rule.quota.isEmpty ? nil : rule.quota
        routeClass = try rule.routeClass.named(problem)
        errors = rule.errors
        deprecation = try Deprecation(
            since: rule.deprecatedSince, sunset: rule.sunset, of: "\(method.file.name): \(method.service.name).\(method.name)")
        guard method.options.deprecated == (deprecation != nil) else { throw problem("deprecated = true and deprecated_since go together") }
        takesIdempotencyKey = rule.hasIdempotency ? rule.idempotency : [.post, .patch].contains(verb)

        guard !(method.clientStreaming && method.serverStreaming) else { throw problem("a method that streams both ways cannot have a route") }
        guard !method.serverStreaming || verb == .get else {
            throw problem("an answer that streams needs the verb get: browsers read events with no other")
        }
        guard !method.clientStreaming || verb.hasBody else { throw problem("a request that streams needs a verb with a body") }

        // A streaming request's body is not the message, so its path parameters belong to the gateway.
        guard !method.clientStreaming else {
            fields = []
            return
        }
        for name in path.parameters {
            guard let field = method.inputType.fields.first(where: { $0.name == name }) else {
                throw problem("the path parameter {\(name)} is no field of \(method.inputType.name)")
            }
            guard field.type == .string, !field.isRepeated else { throw problem("the path parameter {\(name)} must be a single string field") }
        }
        guard method.inputType.fields.filter(\.rule.version).count <= 1 else { throw problem("a request names one version") }
        for field in method.inputType.fields where !verb.hasBody && field.requestKind == .structure {
            throw problem("\(verb.rawValue) has no body and the field '\(field.name)' does not fit into the query; use post, put or patch")
        }
        let (verb, path) = (verb, path)
        fields = method.inputType.fields.map { field in
            (field, path.parameters.contains(field.name) ? .path : field.rule.version ? .header : verb.hasBody ? .body : .query)
        }
    }
}

extension FieldDescriptor {
    /// What a single value of the field is as a parameter.
    var requestKind: RequestField.Kind {
        switch type {
        case .string: .text
        case .bool: .boolean
        case .int32, .sint32, .sfixed32: .int32
        case .int64, .sint64, .sfixed64: .int64
        case .uint32, .fixed32: .uint32
        case .uint64, .fixed64: .uint64
        case .double, .float: .number
        case .bytes: .bytes
        case .enum: .choice(enumType.publicNames)
        case .message where messageType.wellKnownType == .timestamp: .timestamp
        case .message where messageType.wellKnownType == .duration: .duration
        case .message, .group: .structure
        }
    }
}

extension EnumDescriptor {
    /// The values that travel: the zero value says "not given" and is left out where its name says so.
    var publicValues: [EnumValueDescriptor] { values.filter { !($0.number == 0 && $0.name.hasSuffix("UNSPECIFIED")) } }
    var publicNames: [String] { publicValues.map(\.name) }
}

extension PBRouteClass {
    /// Nil when the contract names none.
    func named(_ problem: (String) -> ContractProblem) throws -> RouteClass? {
        switch self {
        case .unspecified: nil
        case .read: .read
        case .write: .write
        case .upload: .upload
        case .trigger: .trigger
        case .export: .export
        case .admin: .admin
        case .auth: .auth
        case .UNRECOGNIZED(let number): throw problem("\(number) is no route class")
        }
    }
}
