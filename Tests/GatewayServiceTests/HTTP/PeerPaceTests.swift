import NIOCore
import Testing

@testable import GatewayService

@Suite struct PeerPaceTests {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    static let limits = EdgeLimits()

    static func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test("a connection on which no request comes is slow after ten seconds, however its first bytes drip")
    func firstHeaders() {
        var pace = PeerPace(Self.limits, now: Self.start)
        pace.listens(at: Self.start)
        for second in 1...9 {
            pace.received(1, at: Self.at(Int64(second)))
            pace.listens(at: Self.at(Int64(second)))
            #expect(pace.verdict(unsent: 0, at: Self.at(Int64(second))) == .fine)
        }
        #expect(pace.verdict(unsent: 0, at: Self.at(10)) == .slowHeaders)
    }

    @Test("between two requests nobody is in a hurry; the next one's first byte starts its ten seconds")
    func keepAlive() {
        var pace = PeerPace(Self.limits, now: Self.start)
        pace.listens(at: Self.start)
        pace.received(100, at: Self.at(1))
        pace.headEnded()
        pace.requestEnded()
        pace.listens(at: Self.at(1))
        #expect(pace.verdict(unsent: 0, at: Self.at(50)) == .fine)
        pace.received(1, at: Self.at(51))
        pace.listens(at: Self.at(51))
        #expect(pace.verdict(unsent: 0, at: Self.at(60)) == .fine)
        #expect(pace.verdict(unsent: 0, at: Self.at(61)) == .slowHeaders)
    }

    @Test(
        "a body must come at 1 KiB a second after five seconds, and within a minute",
        arguments: [
            (bytesPerSecond: 1, seconds: 5, verdict: PeerPace.Verdict.slowBody), (1, 4, .fine), (1023, 5, .slowBody), (1024, 59, .fine),
            (1_000_000, 60, .slowBody),
        ])
    func body(bytesPerSecond: Int, seconds: Int64, verdict: PeerPace.Verdict) {
        var pace = PeerPace(Self.limits, now: Self.start)
        pace.headEnded()
        pace.listens(at: Self.start)
        for second in 1...seconds {
            pace.received(bytesPerSecond, at: Self.at(second))
            pace.listens(at: Self.at(second))
        }
        #expect(pace.verdict(unsent: 0, at: Self.at(seconds)) == verdict)
    }

    @Test("time in which the gateway did not want to hear more is not the peer's")
    func backPressure() {
        var pace = PeerPace(Self.limits, now: Self.start)
        pace.headEnded()
        pace.listens(at: Self.start)
        pace.received(10_000, at: Self.at(1))
        #expect(pace.verdict(unsent: 0, at: Self.at(300)) == .fine)
        pace.listens(at: Self.at(300))
        #expect(pace.verdict(unsent: 0, at: Self.at(320)) == .slowBody)
    }

    @Test("a peer that reads nothing for half a minute is stalled; one that reads a little is not")
    func stalled() {
        var pace = PeerPace(Self.limits, now: Self.start)
        pace.headEnded()
        pace.requestEnded()
        pace.wrote(1_000)
        #expect(pace.verdict(unsent: 1_000, at: Self.at(29)) == .fine)
        #expect(pace.verdict(unsent: 999, at: Self.at(29)) == .fine)
        #expect(pace.verdict(unsent: 999, at: Self.at(58)) == .fine)
        #expect(pace.verdict(unsent: 999, at: Self.at(59)) == .stalled)
        #expect(pace.verdict(unsent: 0, at: Self.at(60)) == .fine)
    }
}
