import AnalyticsAPI
import Foundation
import Primitives
import SwiftProtobuf

/// The form with which a test is put into quarantine, or what stands is changed and renewed.
struct QuarantineForm: Sendable {
    let owner: String
    let ticket: String
    let reason: String
    /// The last day, in UTC.
    let until: String
    /// The day that the form was shown with: an end that nobody touched stays to the second. Empty when it is over, because saving renews it.
    let untilWas: String
    let today: String
    let version: Int64
    let refusal: String?
    let ownerError: String?
    let ticketError: String?
    let reasonError: String?
    let untilError: String?

    /// Days that are proposed; what services take when none is given.
    private static let usualDays = 14.0
    static let fields: Set<String> = ["owner", "ticket", "reason", "expires_at"]

    /// - Parameter written: what somebody has just sent, for whom it is shown again.
    init(_ standing: PBQuarantine?, written: [String: String]? = nil, version: Int64? = nil, refusal fault: FormRefusal? = nil, now: Date) {
        owner = written?["owner"] ?? standing?.owner ?? ""
        ticket = written?["ticket"] ?? standing?.ticket ?? ""
        reason = written?["reason"] ?? standing?.reason ?? ""
        // The last moment before the end, so that the end of a day is that day.
        let inForce = standing.flatMap { $0.state == .active ? Self.day($0.expiresAt.date.addingTimeInterval(-1)) : nil }
        until = written?["until"] ?? inForce ?? Self.day(now.addingTimeInterval(Self.usualDays * 86_400))
        untilWas = inForce ?? ""
        today = Self.day(now)
        self.version = version ?? standing?.version ?? 0
        refusal = fault?.detail
        ownerError = fault?["owner"]
        ticketError = fault?["ticket"]
        reasonError = fault?["reason"]
        untilError = fault?["expires_at"]
    }

    /// The end of the day that was written; `nil` for the one that stands, or the usual one.
    /// - Throws: `request.invalid` at `/expires_at`.
    static func expiry(_ fields: [String: String]) throws(Fault) -> Google_Protobuf_Timestamp? {
        let text = String((fields["until"] ?? "").trimmed)
        guard !text.isEmpty, text != fields["until_was"] else { return nil }
        guard let day = try? Date(text, strategy: .iso8601.year().month().day()) else {
            throw .invalidField("/expires_at", "invalid", "Write the day as 2026-03-31.")
        }
        return Google_Protobuf_Timestamp(date: day.addingTimeInterval(86_400))
    }

    static func text(_ fields: [String: String], _ name: String) -> String {
        String((fields[name] ?? "").trimmed).replacing("\r\n", with: "\n")
    }

    private static func day(_ date: Date) -> String { String(date.formatted(.iso8601).prefix(10)) }
}
