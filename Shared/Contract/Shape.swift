/// What a JSON value of a request must look like: its type, what must be there, and how much of it. Generated from a field and its `assay.field`
/// options; the gateway holds every body against it before it asks the service, and openapi.json says the same to clients.
package struct Shape: Sendable, Hashable {
    package indirect enum Kind: Sendable, Hashable {
        /// A string; what is in it, decoding and the service judge.
        case text
        case boolean
        /// A number, not in quotes. Whether it is whole and fits, decoding judges.
        case number
        /// One of the names of an enum.
        case choice([String])
        case object([Member])
        case list(Shape)
        case map(Shape)
        case any
    }

    package struct Member: Sendable, Hashable {
        package let name: String
        package let shape: Shape

        package init(_ name: String, _ shape: Shape) {
            self.name = name
            self.shape = shape
        }
    }

    /// How much of it. What is `nil` has no bound but those of the type.
    package struct Bounds: Sendable, Hashable {
        package let isRequired: Bool
        /// Unicode code points of a text.
        package let minLength: Int?
        package let maxLength: Int?
        package let minimum: Int64?
        package let maximum: Int64?
        /// Elements of a list, members of a map.
        package let minItems: Int?
        package let maxItems: Int?

        package init(
            isRequired: Bool = false, minLength: Int? = nil, maxLength: Int? = nil, minimum: Int64? = nil, maximum: Int64? = nil,
            minItems: Int? = nil, maxItems: Int? = nil
        ) {
            self.isRequired = isRequired
            self.minLength = minLength
            self.maxLength = maxLength
            self.minimum = minimum
            self.maximum = maximum
            self.minItems = minItems
            self.maxItems = maxItems
        }
    }

    package let kind: Kind
    package let bounds: Bounds

    package init(_ kind: Kind, _ bounds: Bounds = Bounds()) {
        self.kind = kind
        self.bounds = bounds
    }
}

extension Shape {
    /// Of a field of this kind without options.
    init(_ kind: RequestField.Kind, isRepeated: Bool) {
        let element =
            switch kind {
            case .text, .bytes, .timestamp, .duration: Shape(.text)
            case .boolean: Shape(.boolean)
            case .int32, .int64, .uint32, .uint64, .number: Shape(.number)
            case .choice(let names): Shape(.choice(names))
            case .structure: Shape(.any)
            }
        self = isRepeated ? Shape(.list(element)) : element
    }
}
