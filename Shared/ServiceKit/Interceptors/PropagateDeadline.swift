import GRPCCore

/// Deadlines on the calling side (R18): each hop passes on what is left of its own, minus what the way costs.
enum PropagateDeadline {
    /// For calls made outside any other, such as those of jobs.
    static let standard = Duration.seconds(10)
    /// What the answer needs for its way back.
    static let margin = Duration.milliseconds(20)

    /// How long a call that starts now may take; `nil` without bound, for streams whose caller set none.
    /// - Parameter own: what the caller asked for in particular.
    /// - Throws: `rpc.deadline_exceeded` under 50 ms, without a word on the wire.
    static func limit(
        of method: MethodDescriptor, bound deadline: ContinuousClock.Instant?, own: Duration? = nil, now: ContinuousClock.Instant
    ) throws(RPCError) -> Duration? {
        let inherited = deadline.map { now.duration(to: $0) - margin }
        let standard = own == nil && inherited == nil && method.type?.isResponseStreaming != true ? Self.standard : nil
        guard let limit = [own, inherited, standard].compactMap({ $0 }).min() else { return nil }
        guard limit >= ServerDeadline.minimum else { throw .deadlineExceeded }
        return limit
    }
}
