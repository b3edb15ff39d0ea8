/// The words by which failures are compared: those of the signature that are constant, its type, and the call that it comes from. Whatever is volatile has been
/// masked by then, so two failures that differ in nothing else have the same.
struct LessonWords: Sendable {
    /// Distinct words of one failure; a message that is longer is known by its beginning.
    static let most = 64

    /// Hashes, each once, in the order in which they stand.
    private(set) var all: [UInt64] = []
    /// Of these, which any failure may be reported with ("expected", "failed", "of"): they are compared, and prove nothing.
    private(set) var stock: Set<UInt64> = []
    /// What a word weighs when failures are compared. Weights do not depend on what else has been filed: two failures are as alike however much a project
    /// has learned, and many lessons about one thing do not make its words worthless, as the inverse document frequency does.
    static let (ownWeight, stockWeight) = (4, 1)

    init(_ signature: Signature) {
        var seen: Set<UInt64> = []
        func add(_ word: String, isStock: Bool = false) {
            let hash = SignatureID(hashing: word).high
            guard all.count < Self.most, seen.insert(hash).inserted else { return }
            all.append(hash)
            if isStock { stock.insert(hash) }
        }
        // A word of the message is no name of a type: what stands before the colon keeps them apart.
        for (sort, name) in zip(["type", "call"], signature.origin.split(separator: "\n", omittingEmptySubsequences: false)) where !name.isEmpty {
            add("\(sort): \(name)")
        }
        for (word, place) in zip(Skeleton.tokens(of: signature.text), Skeleton(signature.text).places) where place == .word {
            let word = word.lowercased()
            add(word, isStock: word.utf8.count < 3 || FailureSigner.isStock(word))
        }
    }

    /// Those that say something.
    var own: Int { all.count - stock.count }
    var weight: Int { own * Self.ownWeight + stock.count * Self.stockWeight }
}

extension Signature {
    /// Words behind which a number is not just any value: it says what happened, and has been masked.
    private static let announcing: Set<String> = [
        "code", "codes", "errno", "error", "exit", "exited", "http", "response", "returned", "signal", "sqlstate", "status",
    ]

    /// Failures of it that have nothing to do with each other look the same: `exit code <*>` is whatever the code is. Nothing is learnt from what people say of
    /// one of them, and none is judged after others.
    var hidesCode: Bool {
        var word: Substring?
        for token in text.split(separator: " ") {
            let isValue = token == Signature.mask || token.contains("#")
            if isValue, let word, Self.announcing.contains(word.lowercased()) { return true }
            // A colon, an equals sign or a bracket stands between a word and what it announces.
            if token.contains(where: \.isLetter) { word = token } else if isValue { word = nil }
        }
        return false
    }
}
