/// One edition of the grouping: the one setting that all organizations have, for failures and for log lines, as a value. One edition makes of the same
/// texts the same signature, and of the same signatures and decisions the same groups; it stands on the receipt of every failure, which is replayed by
/// the one that it was filed by. So what has been released stays as it is, and the next edition is a value beside it.
///
/// How a line is cut and which words are names (`LineScanner`, `Skeleton`, `StackFrame`) all editions have in common: whoever changes what comes out of
/// that keeps the way in which it was, chosen by a member here. A test holds each edition to what it makes of fixed failures.
package struct GroupingEdition: Sendable, Equatable {
    package let number: Int32
    let signing: Signing
    let mining: Mining

    /// What `FailureSigner` looks at.
    struct Signing: Sendable, Equatable {
        /// Lines of the message that count.
        var maxLines = 3
        /// Characters of them.
        var maxMessage = 1024
        /// A message with fewer words of its own says nothing about what went wrong.
        var minOwnWords = 2
        /// Characters of a type, a class or a test.
        var maxName = 300
    }

    /// When `TemplateMiner` takes a place for a variable.
    struct Mining: Sendable, Equatable {
        /// How many different words open a hole, by the constant words around it. Fewer constants prove less, so they ask for more words; below two
        /// nothing does.
        struct Words: Sendable, Equatable {
            var amongTwo: Int
            var amongThree: Int
            var amongMore: Int
        }

        var words = Words(amongTwo: 12, amongThree: 8, amongMore: 5)
        /// Where a value was seen in that place.
        var wordsBesideHole = Words(amongTwo: 3, amongThree: 2, amongMore: 2)
        /// Skeletons with further holes that are made for one bucket at most.
        var maxOpened = 4096

        func wordsNeeded(constants: Int, besideHole: Bool) -> Int? {
            let needed = besideHole ? wordsBesideHole : words
            return switch constants {
            case ..<2: nil
            case 2: needed.amongTwo
            case 3: needed.amongThree
            default: needed.amongMore
            }
        }
    }

    /// Oldest first.
    package static let released = [GroupingEdition(number: 1, signing: Signing(), mining: Mining())]
    /// By which failures are filed now.
    package static let current = released[released.count - 1]

    /// - Returns: `nil` for one that this release does not have.
    static func numbered(_ number: Int32, among editions: [GroupingEdition] = released) -> GroupingEdition? {
        editions.first { $0.number == number }
    }
}
