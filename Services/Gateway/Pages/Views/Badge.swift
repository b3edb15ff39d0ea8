import CommonAPI
import ExecutionAPI
import NotificationsAPI
import SchedulingAPI

/// A state as a sign, a word and a colour, so that nobody has to tell colours apart.
struct Badge: Sendable, Equatable {
    /// Class in site.css.
    let css: String
    let glyph: String
    let label: String

    static let passed = Badge(css: "passed", glyph: "✓", label: "Passed")
    static let failed = Badge(css: "failed", glyph: "✕", label: "Failed")
    static let errored = Badge(css: "errored", glyph: "!", label: "Errored")
    static let skipped = Badge(css: "skipped", glyph: "–", label: "Skipped")
    static let pending = Badge(css: "pending", glyph: "○", label: "Pending")
    static let unknown = Badge(css: "skipped", glyph: "?", label: "Unknown")
}

extension Badge {
    init(_ outcome: PBOutcome.Value) {
        switch outcome {
        case .passed: self = .passed
        case .failed: self = .failed
        case .errored: self = .errored
        case .skipped: self = .skipped
        case .outcomeUnspecified, .UNRECOGNIZED: self = .unknown
        }
    }

    init(_ state: PBRun.State) {
        switch state {
        case .queued: self = Badge(css: "pending", glyph: "○", label: "Queued")
        case .running: self = Badge(css: "pending", glyph: "▸", label: "Running")
        case .passed: self = .passed
        case .failed: self = .failed
        case .error: self = Badge(css: "errored", glyph: "!", label: "Error")
        case .cancelled: self = Badge(css: "skipped", glyph: "–", label: "Cancelled")
        case .timedOut: self = Badge(css: "errored", glyph: "!", label: "Timed out")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }

    init(_ state: PBDelivery.State) {
        switch state {
        case .pending: self = .pending
        case .delivered: self = Badge(css: "passed", glyph: "✓", label: "Delivered")
        case .failed: self = .failed
        case .blocked: self = Badge(css: "errored", glyph: "!", label: "Blocked")
        case .unspecified, .UNRECOGNIZED: self = .unknown
        }
    }

    /// For runs that strangers could have changed; nothing is said of the others.
    init?(_ lane: PBLane.Value) {
        guard lane == .untrusted else { return nil }
        self = Badge(css: "skipped", glyph: "?", label: "Untrusted")
    }

    init(isEnabled: Bool) {
        self = isEnabled ? Badge(css: "passed", glyph: "✓", label: "On") : Badge(css: "skipped", glyph: "–", label: "Off")
    }
}

extension PBRun.State {
    /// Nothing will change any more.
    var isFinal: Bool {
        switch self {
        case .queued, .running: false
        case .unspecified, .passed, .failed, .error, .cancelled, .timedOut, .UNRECOGNIZED: true
        }
    }

    /// As it is written in addresses of pages, the word of the public API.
    var word: String {
        switch self {
        case .queued: "QUEUED"
        case .running: "RUNNING"
        case .passed: "PASSED"
        case .failed: "FAILED"
        case .error: "ERROR"
        case .cancelled: "CANCELLED"
        case .timedOut: "TIMED_OUT"
        case .unspecified, .UNRECOGNIZED: ""
        }
    }

    static let all: [PBRun.State] = [.queued, .running, .passed, .failed, .error, .cancelled, .timedOut]
}
