/// Runs of some hours and what failed in them: where an environment's failures are looked for.
package struct EnvironmentWindow: Sendable {
    /// The newest that are looked at.
    package static let runLimit = 5_000
    package static let failureLimit = 50_000
    /// Of all tests together.
    package static let executionLimit = 200_000
    /// Newest executions of one test: so many runs tell what happened before and behind a failure.
    package static let mostExecutions = 200

    /// Of each test, when so many failed. What is older is not known.
    package static func executions(among tests: Int) -> Int { min(mostExecutions, executionLimit / max(1, min(tests, failureLimit))) }

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

        /// A test without a group is a group of its own.
        var related: UInt64 { group == 0 ? test : group }
    }

    /// How a test that failed somewhere in the window ended in one of its runs.
    package struct Execution: Sendable {
        package let test: UInt64
        /// As in `Run`, also of a run that is not among them.
        package let run: UInt64
        package let commit: UInt64
        /// `StableHash` of both.
        package let branch: UInt64
        package let environment: UInt64
        package let at: Int64
        /// At its first try.
        package let passed: Bool

        package init(test: UInt64, run: UInt64, commit: UInt64, branch: UInt64, environment: UInt64, at: Int64, passed: Bool) {
            self.test = test
            self.run = run
            self.commit = commit
            self.branch = branch
            self.environment = environment
            self.at = at
            self.passed = passed
        }
    }

    package let runs: [Run]
    package let failures: [Failure]
    /// Of each test the newest, without a gap.
    package let executions: [Execution]

    /// - Parameters:
    ///   - runs: newest first. What is over the limits, or of a run that is, is left out.
    ///   - executions: of tests that failed. Without them nothing but what the second edition looks at is known.
    package init(runs: [Run], failures: [Failure], executions: [Execution] = []) {
        self.executions = executions
        self.runs = Array(runs.prefix(Self.runLimit))
        let kept = self.runs.indices
        self.failures = Array(failures.lazy.filter { kept.contains($0.run) }.prefix(Self.failureLimit))
    }
}

/// A host, a zone, an hour or a single run in which unrelated tests failed that did not fail elsewhere.
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

        /// Of two places that explain as much the first kind is named.
        enum Kind: Sendable, CaseIterable {
            case host, hour, zone, run

            /// The hour is always known, the others only if their hash is not 0.
            func place(of run: EnvironmentWindow.Run) -> EnvironmentCause.Place? {
                switch self {
                case .host: run.host == 0 ? nil : .host(run.host)
                case .hour: .hour(Int64((Double(run.at) / 3_600_000).rounded(.down)))
                case .zone: run.zone == 0 ? nil : .zone(run.zone)
                case .run: run.run == 0 ? nil : .run(run.run)
                }
            }
        }

        var kind: Kind {
            switch self {
            case .host: .host
            case .zone: .zone
            case .hour: .hour
            case .run: .run
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
