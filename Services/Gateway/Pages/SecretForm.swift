import ExecutionAPI
import Primitives

/// The form of a secret, as it is saved or as somebody has just written it. It has no value: that goes in, and comes out nowhere.
struct SecretForm: Sendable {
    let isNew: Bool
    let name: String
    let environment: String
    /// One a line.
    let hosts: String
    /// Of the secret that was shown; 0 for one that is new.
    let version: Int64
    /// Makes what this very form does one act, however often it is sent.
    let once: String
    /// A value was written that has to be written once more.
    let isValueLost: Bool
    /// What is wrong with it as a whole.
    let refusal: String?
    let nameError: String?
    let environmentError: String?
    let valueError: String?
    let hostsError: String?

    /// What was sent, and what came of it.
    struct Attempt: Sendable {
        let fields: [String: String]
        let fault: Fault
    }

    static let fields: Set<String> = ["name", "environment", "value", "hosts"]

    /// - Parameters:
    ///   - secret: as it is saved; `nil` for a new one.
    ///   - attempt: for whom the form is shown again.
    init(_ secret: PBSecret? = nil, attempt: Attempt? = nil) {
        let written = attempt?.fields
        isNew = secret == nil
        name = written?["name"] ?? secret?.name ?? ""
        environment = written?["environment"] ?? secret?.environment ?? ""
        // The button of a list sends no hosts; what is saved stands in the form then.
        hosts = written?["hosts"] ?? secret?.hosts.joined(separator: "\n") ?? ""
        let isStale = attempt?.fault == .versionStale
        version = isStale ? secret?.version ?? 0 : written.map { Visit.version($0) } ?? secret?.version ?? 0
        once = PageHeaders.newNonce()
        isValueLost = written?["value"]?.nonEmpty != nil
        let fault = attempt.map { FormRefusal(Self.placed($0.fault, hosts: Self.hosts($0.fields)), fields: Self.fields) }
        refusal = fault?.detail
        nameError = fault?["name"]
        environmentError = fault?["environment"]
        valueError = fault?["value"]
        hostsError = fault?["hosts"]
    }

    static func text(_ fields: [String: String], _ name: String) -> String { String((fields[name] ?? "").trimmed) }

    /// What was written as hosts, without lines that hold nothing; the service says which of them are none.
    static func hosts(_ fields: [String: String]) -> [String] {
        (fields["hosts"] ?? "").split { $0.isNewline }.map { String($0.trimmed) }.filter { !$0.isEmpty }
    }

    /// Says more exactly what is to blame than the contract does: a name that is taken stands in a field, and of twenty hosts one is wrong.
    private static func placed(_ fault: Fault, hosts: [String]) -> Fault {
        guard fault.code != "secrets.name_taken" else {
            return Fault(fault.kind, fault.code, fault.detail, fields: [.init("/name", "taken", fault.detail)])
        }
        let fields = fault.fields.map { field -> Fault.FieldFault in
            guard field.pointer.hasPrefix("/hosts/"), let index = Int(field.pointer.dropFirst("/hosts/".count)), hosts.indices.contains(index)
            else { return field }
            return Fault.FieldFault(field.pointer, field.code, "\(hosts[index].shortened(to: 100)): \(field.detail)")
        }
        return Fault(fault.kind, fault.code, fault.detail, fields: fields, retryAfter: fault.retryAfter)
    }
}
