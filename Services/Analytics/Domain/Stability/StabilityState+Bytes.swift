/// The state as a row keeps it and a receipt quotes it. First byte: the layout, 1. Then the hashes that occur, each once, and everything else as
/// small numbers: times as differences, hashes by their place. Messages have bytes of their own; this layout has zeros where they were to stand once.
/// The first of the two among the sums, which earlier releases read past, is the place of `endedElsewhere`.
extension StabilityState {
    /// More than any state has.
    static let bytesLimit = 4096
    private static let layout: UInt64 = 1
    /// Numbers of a failing stretch that say nothing.
    private static let reserved = 4

    package var bytes: [UInt8] {
        var hashes: [UInt64] = []
        func place(_ hash: UInt64) -> Int {
            if hash == 0 { return 0 }
            if let index = hashes.lastIndex(of: hash) { return index + 1 }
            hashes.append(hash)
            return hashes.count
        }
        var body = CompactWriter()
        var time: Int64 = 0
        func write(time next: Int64) {
            body.write(next &- time)
            time = next
        }
        body.write(stretches.count)
        for stretch in stretches {
            body.write((stretch.passed ? 1 : 0) | (stretch.beginsWithRetry ? 2 : 0) as UInt64)
            body.write(stretch.count)
            body.write(stretch.commits)
            write(time: stretch.first)
            write(time: stretch.last)
            body.write(place(stretch.firstCommit))
            body.write(place(stretch.lastCommit))
            guard !stretch.passed else { continue }
            for _ in 0..<Self.reserved { body.write(0) }
        }
        body.write(loose.count)
        for result in loose {
            body.write((result.passed ? 1 : 0) | UInt64(result.attempt) << 1)
            write(time: result.at)
            body.write(order: result.order)
            body.write(place(result.commit))
            if !result.passed { body.write(0) }
        }
        let sums = [
            past.passes, past.failures, past.retried, past.withinCommit, past.betweenCommits, past.withoutCommit, past.breakages, past.mixedCommits,
            UInt32(place(endedElsewhere)), 0, environmentFailures,
        ]
        sums.forEach { body.write($0) }
        body.write(past.lastCommit.map { place($0) + 1 } ?? 0)
        body.write(lastEnvironmentAt)
        var head = CompactWriter()
        head.write(Self.layout)
        head.write(hashes.count)
        hashes.forEach { head.write(hash: $0) }
        return head.bytes + body.bytes
    }

    /// `nil` for what `bytes` did not write, of the state and of its messages.
    package init?(bytes: [UInt8], messages: [UInt8] = []) {
        guard let heard = FailureMessages(bytes: messages) else { return nil }
        self.messages = heard
        var reader = CompactReader(bytes)
        guard bytes.count <= Self.bytesLimit, reader.unsigned() == Self.layout, let hashCount = reader.unsigned(), hashCount <= bytes.count / 8 else {
            return nil
        }
        var hashes: [UInt64] = [0]
        for _ in 0..<hashCount {
            guard let hash = reader.hash() else { return nil }
            hashes.append(hash)
        }
        func hash() -> UInt64? {
            guard let place = reader.unsigned(), place < hashes.count else { return nil }
            return hashes[Int(place)]
        }
        var time: Int64 = 0
        func moment() -> Int64? {
            guard let difference = reader.signed() else { return nil }
            time = time &+ difference
            return time
        }
        guard let stretchCount = reader.unsigned(), stretchCount <= Self.stretchLimit else { return nil }
        for _ in 0..<stretchCount {
            guard let flags = reader.unsigned(), flags < 4, let count = reader.count(), count > 0, let commits = reader.count(), let first = moment(),
                let last = moment(), let firstCommit = hash(), let lastCommit = hash()
            else { return nil }
            let passed = flags & 1 == 1
            if !passed {
                for _ in 0..<Self.reserved where reader.unsigned() != 0 { return nil }
            }
            stretches.append(
                Stretch(
                    passed: passed, count: count, commits: commits, firstCommit: firstCommit, lastCommit: lastCommit, first: first, last: last,
                    beginsWithRetry: flags & 2 == 2))
        }
        guard let looseCount = reader.unsigned(), looseCount <= Self.looseLimit else { return nil }
        for _ in 0..<looseCount {
            guard let flags = reader.unsigned(), flags < 512, let at = moment(), let order = reader.order(), let commit = hash() else { return nil }
            let passed = flags & 1 == 1
            guard passed || reader.unsigned() == 0 else { return nil }
            loose.append(LooseResult(at: at, order: order, commit: commit, passed: passed, attempt: UInt8(flags >> 1)))
        }
        var sums: [UInt32] = []
        for _ in 0..<11 {
            guard let sum = reader.count() else { return nil }
            sums.append(sum)
        }
        past.passes = sums[0]
        past.failures = sums[1]
        past.retried = sums[2]
        past.withinCommit = sums[3]
        past.betweenCommits = sums[4]
        past.withoutCommit = sums[5]
        past.breakages = sums[6]
        past.mixedCommits = sums[7]
        guard Int(sums[8]) < hashes.count else { return nil }
        endedElsewhere = hashes[Int(sums[8])]
        environmentFailures = sums[10]
        guard let place = reader.unsigned(), place <= hashes.count, let environment = reader.signed(), reader.isAtEnd else { return nil }
        past.lastCommit = place == 0 ? nil : hashes[Int(place) - 1]
        lastEnvironmentAt = environment
    }
}
