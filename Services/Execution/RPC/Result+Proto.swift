import AnalyticsAPI
import CommonAPI
import ExecutionAPI
import Foundation
import Primitives
import ServiceKit
import SwiftProtobuf
import ValidationAPI

extension PBResult {
    init(_ result: TestResult, project: ID<Project>) {
        self.init()
        id = result.id.description
        run = result.run.description
        self.project = project.description
        test = result.test.description
        suiteName = result.suiteName
        className = result.className
        name = result.name
        outcome = PBOutcome.Value(result.outcome)
        if let microseconds = result.microseconds {
            durationMs = microseconds / 1000
            durationUs = microseconds
        }
        file = result.file
        if let number = result.line { line = number }
        message = result.texts.message
        type = result.texts.type
        trace = result.texts.trace
        systemOut = result.texts.systemOut
        systemErr = result.texts.systemErr
        if let exchange = result.exchange { http = PBHTTPExchange(exchange) }
        if let time = result.startedAt { startedAt = Google_Protobuf_Timestamp(milliseconds: time) }
        recordedAt = Google_Protobuf_Timestamp(milliseconds: result.recordedAt)
        attempt = Int32(result.attempt)
        `case` = result.caseID?.description ?? ""
        properties = result.extras.properties.map(PBProperty.init)
        attachments = result.extras.attachments.map(PBAttachment.init)
        tags = result.tags
        attempts = result.extras.attempts.map(PBAttempt.init)
    }
}

extension PBTag {
    init(_ tag: KnownTag) {
        self.init()
        key = tag.key
        value = tag.value
        self.tag = tag.value.isEmpty ? tag.key : "\(tag.key):\(tag.value)"
        lastSeenOn = tag.lastSeen
    }
}

extension PBRunSuite {
    init(_ found: RunSuite) {
        self.init()
        name = found.suite.name
        upload = found.upload.description
        file = found.suite.file
        properties = found.suite.properties.map(PBProperty.init)
        systemOut = found.suite.systemOut
        systemErr = found.suite.systemErr
    }
}

extension PBProperty {
    init(_ property: ResultExtras.Property) {
        self.init()
        name = property.name
        value = property.value
    }
}

extension PBAttachment {
    init(_ attachment: ResultExtras.Attachment) {
        self.init()
        path = attachment.path
        mediaType = attachment.type
    }
}

extension PBAttempt {
    init(_ attempt: ResultExtras.Attempt) {
        self.init()
        outcome = PBOutcome.Value(attempt.outcome)
        if let microseconds = attempt.microseconds { durationUs = microseconds }
        message = attempt.message
        type = attempt.type
        trace = attempt.trace
    }
}

extension PBOutcome.Value {
    init(_ outcome: Outcome) {
        switch outcome {
        case .passed: self = .passed
        case .failed: self = .failed
        case .errored: self = .errored
        case .skipped: self = .skipped
        }
    }
}

extension Outcome {
    init(_ message: PBOutcome.Value, field: String) throws(Fault) {
        switch message {
        case .passed: self = .passed
        case .failed: self = .failed
        case .errored: self = .errored
        case .skipped: self = .skipped
        case .outcomeUnspecified, .UNRECOGNIZED: throw .invalidField(field, "unknown", "The outcome is unknown.")
        }
    }
}

extension PBFailedResult {
    /// - Parameters:
    ///   - textLimit: bytes of each text.
    ///   - endLimit: of these, bytes of the end of a trace or an error output that is longer; bytes of the output.
    init(_ result: TestResult, textLimit: Int, endLimit: Int) {
        self.init()
        self.result = result.id.description
        test = result.test.description
        suiteName = result.suiteName
        className = result.className
        name = result.name
        outcome = PBOutcome.Value(result.outcome)
        message = Excerpt.of(result.texts.message, limit: textLimit)
        type = result.texts.type
        trace = Excerpt.ends(of: result.texts.trace, limit: textLimit, tail: endLimit)
        systemErr = Excerpt.ends(of: result.texts.systemErr, limit: textLimit, tail: endLimit)
        systemOut = Excerpt.end(of: result.texts.systemOut, limit: endLimit)
        httpStatus = Int32(result.exchange?.status ?? 0)
        // A case that ends before anything is sent has no exchange, and its code as its type.
        errorCode = result.exchange?.errorCode ?? (result.caseID != nil && result.outcome == .errored ? result.texts.type : "")
        owners = result.owners
    }
}

extension PBFact {
    /// - Parameter attempt: of the upload in its build: what was tried before is facts of its own.
    init(_ result: TestResult, _ places: ReportedPlaces, attempt: Int = 1) {
        self.init()
        self.result = result.id.description
        test = result.test.description
        suiteName = result.suiteName
        className = result.className
        name = result.name
        outcome = PBOutcome.Value(result.outcome)
        if let microseconds = result.microseconds { durationUs = microseconds }
        // A case of a suite is carried out again when its worker was lost, which says nothing of the test.
        if result.caseID == nil { failedTries = Int32(max(0, result.attempt - attempt)) }
        host = places.host(at: ResultIDs.index(of: result.id))
    }
}
