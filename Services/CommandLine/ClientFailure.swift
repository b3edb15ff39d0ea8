/// Why a command of the client could not do what it was asked for. Its words are for people, its exit status for scripts.
enum ClientFailure: Error, Equatable, CustomStringConvertible {
    /// Something that the user has to say differently.
    case usage(String)
    /// There is no key yet.
    case signedOut
    /// No answer, or none that we understand.
    case unreachable(String)
    /// The server understood and said no.
    case refused(APIProblem)
    case timedOut(String)
    /// Files or folders of this machine.
    case local(String)

    var exitStatus: ExitStatus {
        switch self {
        case .usage, .local: .usage
        case .signedOut: .authentication
        case .unreachable: .unreachable
        case .timedOut: .timedOut
        case .refused(let problem):
            switch problem.status {
            case 401, 403: .authentication
            case 408, 429, 500...: .unreachable
            default: .usage
            }
        }
    }

    var description: String {
        switch self {
        case .usage(let text), .unreachable(let text), .timedOut(let text), .local(let text): text
        case .signedOut: "no API key: run `assay login`, or set ASSAY_API_KEY"
        case .refused(let problem): problem.description
        }
    }
}
