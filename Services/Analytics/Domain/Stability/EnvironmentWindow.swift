/// Runs of some hours and what failed in them: where an environment's failures are looked for.
package struct EnvironmentWindow: Sendable {
    /// The newest that are looked at.
    package static let runLimit = 5_000
    package static let failureLimit = 50_000

    /// What of one run was carried out in one place.
    package struct Run: Sendable {
        /// `StableHash` of the run: of one that is spread over hosts, each part has the same.
        package let run: UInt64
        /// `StableHash` of the commit, 0 when unknown: such runs can be compared with none.
        package let commit: UInt64
        /// `StableHash` of the host and of the zone, 0 when unknown.
        package let host: UInt64
        package let zone: UInt64
        /// Milliseconds since the epoch.
        package let at: Int64
        /// Results that passed or failed.
        package let results: Int

        package init(run: UInt64, commit: UInt64, host: UInt64, zone: UInt64, at: Int64, results: Int) {
            self.run = run
            self.commit = commit
            self.host = host
            self.zone = zone
            self.at = at
            self.results = results
        }
    }

    package struct Failure: Sendable {
        /// Place of its run in `runs`.
        package let run: Int
        /// `StableHash` of the test.
        package let test: UInt64
        /// `StableHash` of its class or file, of which tests are related; 0 when the test stands alone.
        package let group: UInt64
        /// As in `TestObservation`, so that the failure can be excused.
        package let order: UInt32

        package init(run: Int, test: UInt64, group: UInt64, order: UInt32) {
            self.run = run
            self.test = test
            self.group = group
            self.order = order
        }
    }

    package let runs: [Run]
    package let failures: [Failure]

    /// - Parameter runs: newest first. What is over the limits, or of a run that is, is left out.
    package init(runs: [Run], failures: [Failure]) {
        self.runs = Array(runs.prefix(Self.runLimit))
        let kept = self.runs.indices
        self.failures = Array(failures.lazy.filter { kept.contains($0.run) }.prefix(Self.failureLimit))
    }
}

/// A host, a zone, an hour or a single run in which unrelated tests failed that did not fail elsewhere on the same commit.
package struct EnvironmentCause: Sendable, Equatable {
    package enum Place: Hashable, Sendable {
        case host(UInt64), zone(UInt64)
        /// Hours since the epoch.
        case hour(Int64)
        case run(UInt64)

        /// Orders places of one kind.
        var key: Int64 {
            switch self {
            case .host(let hash), .zone(let hash), .run(let hash): Int64(bitPattern: hash)
            case .hour(let hour): hour
            }
        }
    }

    package let place: Place
    package let numbers: PlaceNumbers
    /// Indices of the window's `failures` that are put down to the place.
    package let failures: [Int]

    package var tests: Int { numbers.tests }
    package var groups: Int { numbers.groups }
    package var chance: Double { numbers.chance }
}
