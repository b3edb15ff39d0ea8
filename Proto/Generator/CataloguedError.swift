/// One error code of the catalogue (Proto/Gateway/errors.json): what it means and what to do.
struct CataloguedError: Decodable, Equatable {
    let code: String
    /// A `FaultKind`.
    let kind: String
    /// HTTP status.
    let status: Int
    /// What the problem is, in a few words that hold for every occurrence.
    let title: String
    /// What to do, for whoever gets it.
    let action: String

    /// Codes are unique and in alphabetical order, and those that methods name are among them.
    static func check(_ errors: [CataloguedError], _ operations: [Operation]) throws {
        for (before, after) in zip(errors, errors.dropFirst()) where before.code >= after.code {
            throw ContractProblem("errors.json: \(after.code) belongs before \(before.code); each code stands there once, in alphabetical order")
        }
        let known = Set(errors.map(\.code))
        for operation in operations {
            if let code = operation.exposure?.errors.first(where: { !known.contains($0) }) {
                throw ContractProblem("\(operation.name): the code \(code) is not in errors.json")
            }
        }
    }

    var json: JSON {
        ["code": .text(code), "status": .integer(status), "title": .text(title), "action": .text(action)]
    }
}
