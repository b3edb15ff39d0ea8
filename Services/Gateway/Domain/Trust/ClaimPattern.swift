/// What a claim must look like: `*` stands for any characters but a slash, `**` for any at all, `?` for one that is no slash; the rest for itself.
///
/// No regular expression, on purpose: what a policy lets in must be readable at a glance, and matching takes time in the product of the two
/// lengths, both of which are bounded.
struct ClaimPattern: Hashable, Sendable {
    /// In Unicode scalars, as claims are compared.
    static let maxLength = 255
    /// A longer claim matches nothing.
    static let maxClaim = 1_024

    let text: String

    private enum Token: Hashable {
        case scalar(Unicode.Scalar)
        case one
        case segment
        case all
    }

    init(_ text: String) { self.text = text }

    /// It stands for itself alone.
    var isLiteral: Bool { !text.contains { $0 == "*" || $0 == "?" } }

    func matches(_ claim: String) -> Bool {
        let scalars = Array(claim.unicodeScalars)
        guard scalars.count <= Self.maxClaim else { return false }
        // reachable[i]: what was read of the pattern so far can stand for the first i characters.
        var reachable = [true] + Array(repeating: false, count: scalars.count)
        for token in tokens {
            var next = Array(repeating: false, count: scalars.count + 1)
            for index in 0...scalars.count {
                switch token {
                case .scalar(let scalar): next[index] = index > 0 && reachable[index - 1] && scalars[index - 1] == scalar
                case .one: next[index] = index > 0 && reachable[index - 1] && scalars[index - 1] != "/"
                case .segment: next[index] = reachable[index] || index > 0 && next[index - 1] && scalars[index - 1] != "/"
                case .all: next[index] = reachable[index] || index > 0 && next[index - 1]
                }
            }
            reachable = next
        }
        return reachable[scalars.count]
    }

    private var tokens: [Token] {
        var tokens: [Token] = []
        for scalar in text.unicodeScalars {
            switch scalar {
            case "*" where tokens.last == .segment: tokens[tokens.count - 1] = .all
            case "*" where tokens.last == .all: break
            case "*": tokens.append(.segment)
            case "?": tokens.append(.one)
            default: tokens.append(.scalar(scalar))
            }
        }
        return tokens
    }
}
