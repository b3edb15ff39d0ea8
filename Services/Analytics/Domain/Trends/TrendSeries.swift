/// What changes of a project, or of a part of it, are told from, day by day: passed and judged results without what is put down to the environment,
/// and the median duration. As text it is what is hashed, and what is kept with a change that was found in it.
struct TrendSeries: Sendable, Equatable {
    /// Results of a day.
    struct Counts: Sendable, Equatable {
        let passed: Int64
        let judged: Int64
    }

    /// A day on which something was judged or timed.
    struct Point: Sendable, Equatable {
        /// `2026-03-01`
        let day: String
        /// `nil` when nothing was judged.
        let counts: Counts?
        /// Microseconds; `nil` when no duration is known.
        let median: Int64?
    }

    /// Oldest first. A day on which nothing was judged or timed is as if it were not there.
    let points: [Point]

    /// - Parameter days: oldest first.
    init(_ days: [Day]) {
        points = days.compactMap { day -> Point? in
            let telling = day.telling
            let counts = telling.passRate == nil ? nil : Counts(passed: telling.passed, judged: telling.judged)
            let median = day.durations.percentile(50)
            return counts == nil && median == nil ? nil : Point(day: day.day, counts: counts, median: median)
        }
    }

    /// `nil` for what is no such text.
    init?(text: String) {
        var points: [Point] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 3, DayNumber.of(String(parts[0])) != nil, points.last.map({ $0.day < parts[0] }) ?? true else { return nil }
            let counts = parts[1].split(separator: "/", omittingEmptySubsequences: false).map { Int64($0) }
            var known: Counts?
            if !parts[1].isEmpty {
                guard counts.count == 2, let passed = counts[0], let judged = counts[1] else { return nil }
                known = Counts(passed: passed, judged: judged)
            }
            let median = Int64(parts[2])
            guard parts[2].isEmpty || median != nil else { return nil }
            points.append(Point(day: String(parts[0]), counts: known, median: median))
        }
        self.points = points
    }

    /// A line a day: `2026-03-01 960/1000 12000`.
    var text: String {
        points.map { point in
            let counts = point.counts.map { "\($0.passed)/\($0.judged)" } ?? ""
            let median = point.median.map { "\($0)" } ?? ""
            return "\(point.day) \(counts) \(median)"
        }.joined(separator: "\n")
    }

    /// The same series have the same changes by the same edition.
    var inputHash: UInt64 { StableHash.of(text) }

    /// Oldest first.
    func changes(by edition: ChangeEdition = .current) -> [TrendChange] {
        var (rates, judged): ([(passed: Int, all: Int)], [String]) = ([], [])
        var (medians, timed): ([Double], [String]) = ([], [])
        for point in points {
            if let counts = point.counts {
                rates.append((passed: Int(counts.passed), all: Int(counts.judged)))
                judged.append(point.day)
            }
            if let median = point.median {
                medians.append(Double(median))
                timed.append(point.day)
            }
        }
        let changes =
            Self.changes(ChangePoints.inPassRates(rates, by: edition), .passRate, judged)
            + Self.changes(ChangePoints.inDurations(medians, by: edition), .duration, timed)
        return changes.sorted { $0.day < $1.day }
    }

    private static func changes(_ points: [ChangePoint], _ figure: TrendChange.Figure, _ days: [String]) -> [TrendChange] {
        points.enumerated().map { position, point in
            let start = position == 0 ? 0 : points[position - 1].index
            let end = position + 1 < points.count ? points[position + 1].index : days.count
            return TrendChange(
                figure: figure, day: days[point.index], daysBefore: days[start]...days[point.index - 1],
                daysAfter: days[point.index]...days[end - 1], before: point.before, after: point.after,
                nearBefore: days[max(start, point.index - TrendChange.daysBeside)]...days[point.index - 1],
                nearAfter: days[point.index]...days[min(end, point.index + TrendChange.daysBeside) - 1])
        }
    }
}
