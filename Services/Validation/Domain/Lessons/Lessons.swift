import Primitives

/// What people taught in one project, in one edition, made ready to be compared with. A value: the same lessons tell of the same failure the same neighbours,
/// in whatever order they are given.
///
/// Two failures are as similar as the words that they share weigh, of all that they have together (Jaccard, *The distribution of the flora in the alpine zone*,
/// 1912; weighted).
struct Lessons: Sendable {
    /// Signatures that are remembered: the newest. What was said before is still a verdict, and teaches again when it is said again.
    static let most = 1000
    let edition: Int64
    private let lessons: [Lesson]
    private let bySignature: [SignatureID: Int]
    /// By word: who has it.
    private var postings: [UInt64: [Int32]] = [:]
    /// Of all words of each lesson.
    private var weights: [Int]

    init(_ all: [Lesson], edition: Int64) {
        self.edition = edition
        lessons = all.sorted { $0.edition > $1.edition }.prefix(Self.most).filter { !$0.signature.hidesCode }
        bySignature = Dictionary(lessons.enumerated().map { ($1.signature.id, $0) }) { first, _ in first }
        weights = Array(repeating: 0, count: lessons.count)
        // What a test is called proves nothing about another one: such lessons are about their own signature alone.
        for (number, lesson) in lessons.enumerated() where lesson.signature.tellsCause {
            let words = LessonWords(lesson.signature)
            for word in words.all { postings[word, default: []].append(Int32(number)) }
            weights[number] = words.weight
        }
    }

    var isEmpty: Bool { lessons.isEmpty }

    /// What was said of failures that look the same.
    /// - Parameter result: the failure in question, which what was said of itself does not count for.
    func lesson(on signature: Signature, of result: ID<Result>) -> Lesson? {
        guard let number = bySignature[signature.id], lessons[number].result != result else { return nil }
        return lessons[number]
    }

    /// The nearest, by similarity and then by signature.
    /// - Parameters:
    ///   - result: as in `lesson(on:of:)`.
    ///   - least: similarity of the farthest, in thousandths.
    ///   - shared: own words that they must have in common.
    func nearest(
        to signature: Signature, of result: ID<Result>, most: Int, least: Int, shared: Int
    ) -> [(lesson: Lesson, similarity: Int)] {
        let words = LessonWords(signature)
        guard signature.tellsCause, !signature.hidesCode, words.own >= shared else { return [] }
        var common = [Int](repeating: 0, count: lessons.count)
        var own = [Int](repeating: 0, count: lessons.count)
        for word in words.all {
            guard let having = postings[word] else { continue }
            let isStock = words.stock.contains(word)
            for number in having {
                common[Int(number)] += isStock ? LessonWords.stockWeight : LessonWords.ownWeight
                if !isStock { own[Int(number)] += 1 }
            }
        }
        let weight = words.weight
        var found: [(lesson: Lesson, similarity: Int)] = []
        for number in lessons.indices where own[number] >= shared && lessons[number].result != result {
            let similarity = 1000 * common[number] / (weight + weights[number] - common[number])
            if similarity >= least { found.append((lessons[number], similarity)) }
        }
        found.sort { ($1.similarity, $0.lesson.signature.id) < ($0.similarity, $1.lesson.signature.id) }
        return Array(found.prefix(most))
    }
}
