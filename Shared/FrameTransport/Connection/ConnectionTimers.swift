import GRPCCore
import NIOCore
import Synchronization

/// The timers of one connection. Event loop only.
struct ConnectionTimers {
    /// Preface timeout first, then the check whether the peer is alive.
    var life: Scheduled<Void>?
    /// When the peer was asked whether it is alive; nil if it was not, or has answered.
    var asked: NIODeadline?
    /// Wakes for the earliest deadline it knew of when it was set.
    var deadline: Scheduled<Void>?
    var deadlineAt = NIODeadline.distantFuture
}

extension FrameConnection {
    func startTimers() {
        timers.life = eventLoop.scheduleTask(in: configuration.prefaceTimeout) { [weak self] in self?.checkPreface() }
    }

    func stopTimers() {
        timers.life?.cancel()
        timers.deadline?.cancel()
        timers = ConnectionTimers()
    }

    private func checkPreface() {
        guard isReady else { return violated(FrameViolation("No preface came in time.")) }
        scheduleLifeCheck(in: configuration.pingInterval)
    }

    private func scheduleLifeCheck(in delay: TimeAmount) {
        guard context != nil else { return }
        timers.life = eventLoop.scheduleTask(in: delay) { [weak self] in self?.checkLife() }
    }

    /// Any byte proves that the peer lives; only silence is asked about.
    private func checkLife() {
        let now = NIODeadline.now()
        if isReadingPaused {
            // We do not listen, so we cannot judge; but the peer must hear that we live.
            send(.ping, payload: ByteBuffer(repeating: 0, count: 8))
            timers.asked = nil
            return scheduleLifeCheck(in: configuration.pingTimeout)
        }
        if let asked = timers.asked, lastRead < asked {
            return violated(FrameViolation("The peer has not answered for \((now - lastRead).nanoseconds / 1_000_000_000) seconds."))
        }
        timers.asked = nil
        let silence = now - lastRead
        guard silence >= configuration.pingInterval else { return scheduleLifeCheck(in: configuration.pingInterval - silence) }
        timers.asked = now
        send(.ping, payload: ByteBuffer(repeating: 0, count: 8))
        scheduleLifeCheck(in: configuration.pingTimeout)
    }

    /// One timer serves all streams: calls have similar timeouts, so most find it set early enough, and a call that ends in time costs nothing.
    func expect(_ deadline: NIODeadline) {
        guard deadline < timers.deadlineAt else { return }
        timers.deadline?.cancel()
        timers.deadlineAt = deadline
        timers.deadline = eventLoop.scheduleTask(deadline: deadline) { [weak self] in self?.expireStreams() }
    }

    private func expireStreams() {
        timers.deadlineAt = .distantFuture
        timers.deadline = nil
        let now = NIODeadline.now()
        var next = NIODeadline.distantFuture
        for stream in streams.values {
            guard let deadline = stream.deadline else { continue }
            if deadline <= now { stream.expire() } else { next = min(next, deadline) }
        }
        if next < .distantFuture { expect(next) }
    }
}
