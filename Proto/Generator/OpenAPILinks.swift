import Contract
import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Links of OpenAPI: which operations take an id that an answer holds. Tools follow them; whoever reads the document sees what can be done next.
struct OpenAPILinks {
    private struct Target {
        let operation: String
        let parameter: String
        /// `run` for ids such as `run_…`.
        let prefix: String
        /// Answers with what the id is of, and nothing else.
        let isReading: Bool
    }

    private let targets: [Target]

    init(_ operations: [(Operation, Operation.Exposure)]) {
        targets = operations.flatMap { operation, exposure in
            exposure.path.parameters.compactMap { name in
                let prefix = name == "project" ? "prj" : exposure.fields(in: .path).first { $0.name == name }?.rule.id ?? ""
                let isReading = exposure.verb == .get && exposure.path.description.hasSuffix("{\(name)}")
                return prefix.isEmpty ? nil : Target(operation: operation.id, parameter: name, prefix: prefix, isReading: isReading)
            }
        }
    }

    /// Of a successful answer: by the ids of what it is or holds, one link for each operation. Nearly everything names its project, so that name leads to
    /// the project alone: else the document grows with the square of its operations.
    func links(from operation: Operation, answer: Descriptor) -> JSON? {
        var links: [JSON.Member] = []
        for (path, prefix) in ids(of: answer) {
            for target in targets where target.prefix == prefix && target.operation != operation.id {
                guard prefix != "prj" || path.hasSuffix("/id") || target.isReading else { continue }
                guard !links.contains(where: { $0.name == target.operation }) else { continue }
                links.append(
                    JSON.Member(
                        name: target.operation,
                        value: [
                            "operationId": .text(target.operation),
                            "parameters": .object([JSON.Member(name: target.parameter, value: .text("$response.body#\(path)"))]),
                        ]))
            }
        }
        return links.isEmpty ? nil : .object(links)
    }

    /// Pointers to ids, with their prefixes: of the answer itself, of an object in it, and of the first element of a list.
    private func ids(of answer: Descriptor) -> [(pointer: String, prefix: String)] {
        answer.fields.flatMap { field -> [(String, String)] in
            if field.type == .string, !field.isRepeated { return field.rule.id.isEmpty ? [] : [("/\(field.name)", field.rule.id)] }
            guard let inner = field.messageType, inner.wellKnownType == nil, inner.mapKeyAndValue == nil else { return [] }
            guard let id = inner.fields.first(where: { $0.name == "id" && !$0.rule.id.isEmpty }) else { return [] }
            return [("/\(field.name)\(field.isRepeated ? "/0" : "")/id", id.rule.id)]
        }
    }
}
