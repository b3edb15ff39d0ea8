import NIOCore

/// Every limit of the wire, with its name. The defaults are those of `README.md`; tests lower them.
package struct FrameConfiguration: Sendable {
    /// Largest message either way. A larger one fails its call where it is written and costs the peer its connection where it is received.
    package var maximumMessageBytes = 4 << 20
    /// Largest encoded head or trailers, metadata included.
    package var maximumMetadataBytes = 16 << 10
    /// Streams one connection may have open; the server tells it to its clients.
    package var maximumStreams = 100
    /// Bytes of messages a peer may send on one stream before they are read. One message may overdraw it.
    package var streamWindowBytes = 256 << 10
    /// Bytes that all streams of a connection together may have waiting to be read; beyond it the socket is not read.
    package var maximumUnreadBytes = 64 << 20
    /// Bytes that may wait for the socket; beyond it writers wait.
    package var maximumUnsentBytes = 4 << 20
    /// A request up to this size is handled on the connection's own thread until its handler first waits for something.
    /// Larger ones go to the thread pool at once, because decoding them would hold up the other calls of the connection.
    package var maximumInlineBytes = 64 << 10

    /// A connection that was silent this long is asked whether the peer is alive …
    package var pingInterval = TimeAmount.seconds(30)
    /// … and closed when nothing comes back in this time.
    package var pingTimeout = TimeAmount.seconds(10)
    /// Time from connecting to the peer's preface, TLS handshake included.
    package var prefaceTimeout = TimeAmount.seconds(5)
    /// What a graceful shutdown leaves calls that are under way; afterwards they are cancelled.
    package var drainTimeout = TimeAmount.seconds(20)

    /// Connections a server accepts at the same time.
    package var maximumAcceptedConnections = 1_024

    /// Connections a client opens when the streams of the others are taken.
    package var maximumConnections = 8
    /// Calls that may wait for a connection or a free stream; beyond it they fail with `resourceExhausted`.
    package var maximumWaitingCalls = 16_384
    /// How long a call waits for a free stream; afterwards it fails with `unavailable`.
    package var maximumWait = TimeAmount.seconds(10)
    package var connectTimeout = TimeAmount.seconds(2)
    /// A server that could not be reached for this long fails calls at once instead of letting them wait.
    package var failFastAfter = TimeAmount.seconds(2)
    /// Pause after the first failed attempt to connect; doubles up to `maximumBackoff`.
    package var initialBackoff = TimeAmount.milliseconds(25)
    package var maximumBackoff = TimeAmount.seconds(1)

    /// Told in a sentence why a connection was closed because its peer broke a rule or could not be reached; for the log.
    package var report: @Sendable (String) -> Void = { _ in }

    package init() {}

    package static var defaults: FrameConfiguration { FrameConfiguration() }
}
