/// What JSON leaves out of an answer although it is known: 0, false and "" of fields that are never absent (in protobuf: without presence). An export writes
/// them, since whoever reads an empty cell takes it for "not known". Fields that can be absent (`x-assay-optional`) stay so, and so do enums that say
/// nothing, lists and maps, of which an empty one looks like no other.
struct ExportZeros: Sendable {
    /// Of the messages of our own contracts. Made once, at the first export: there are some hundreds.
    static let contracts = ExportZeros(BundledDocument.json)

    fileprivate enum Kind: Sendable {
        /// Never absent: what is not there is this.
        case zero(OrderedJSON)
        /// Objects of this type, as a value, in a list, or in a map.
        case object(String)
        case list(String)
        case map(String)
        case other
    }

    private struct Field: Sendable {
        let name: String
        let kind: Kind
    }

    /// Fields of each type, in the order of the contract.
    private let types: [String: [Field]]

    /// - Parameter document: as openapi.json.
    init(_ document: OrderedJSON) {
        var types: [String: [Field]] = [:]
        for type in document["components"]?["schemas"]?.members ?? [] {
            guard let properties = type.value["properties"]?.members else { continue }
            let optional = Set((type.value["x-assay-optional"]?.elements ?? []).compactMap(\.text))
            types[type.name] = properties.map { property in
                Field(name: property.name, kind: Kind(property.value, canBeAbsent: optional.contains(property.name)))
            }
        }
        self.types = types
    }

    /// The value with what it leaves out, also within.
    /// - Parameter type: name of its schema; a value of a type that is not known stays as it is.
    func filled(_ value: OrderedJSON, as type: String) -> OrderedJSON {
        guard let fields = types[type], case .object(let members) = value else { return value }
        var all: [OrderedJSON.Member] = []
        all.reserveCapacity(fields.count)
        // Members come in the order of their numbers, which mostly is that of the contract: hardly one is searched for.
        var next = 0
        var known = 0
        for field in fields {
            let isNext = next < members.count && members[next].name == field.name
            if let member = isNext ? members[next] : members.first(where: { $0.name == field.name }) {
                all.append(OrderedJSON.Member(name: field.name, value: filled(member.value, field.kind)))
                known += 1
                if isNext { next += 1 }
            } else if case .zero(let zero) = field.kind {
                all.append(OrderedJSON.Member(name: field.name, value: zero))
            }
        }
        if known < members.count { all += members.filter { member in !fields.contains { $0.name == member.name } } }
        return .object(all)
    }

    private func filled(_ value: OrderedJSON, _ kind: Kind) -> OrderedJSON {
        switch kind {
        case .object(let type): filled(value, as: type)
        case .list(let type): .array(value.elements.map { filled($0, as: type) })
        case .map(let type): .object(value.members.map { OrderedJSON.Member(name: $0.name, value: filled($0.value, as: type)) })
        case .zero, .other: value
        }
    }
}

extension ExportZeros.Kind {
    /// - Parameter schema: of a property. Enums have a name as messages do, and no properties.
    fileprivate init(_ schema: OrderedJSON, canBeAbsent: Bool) {
        if let name = schema.schemaName {
            self = .object(name)
        } else if let name = schema["items"]?.schemaName {
            self = .list(name)
        } else if let name = schema["additionalProperties"]?.schemaName {
            self = .map(name)
        } else if canBeAbsent {
            self = .other
        } else {
            switch schema["type"]?.text {
            case "integer", "number": self = .zero(.word("0"))
            case "boolean": self = .zero(.word("false"))
            case "string": self = .zero(.text(""))
            default: self = .other
            }
        }
    }
}

extension OrderedJSON {
    /// Of the schema that this one refers to.
    var schemaName: String? { self["$ref"]?.text?.split(separator: "/").last.map(String.init) }
}
