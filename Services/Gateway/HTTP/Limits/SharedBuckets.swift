import Contract
import Metrics
import Redis

/// Buckets that many gateways share, in Redis or Valkey: one call for all limits that a request passes, which takes from all of them or from none.
struct SharedBuckets: Sendable {
    /// Longer than this nobody waits for the store (T33).
    static let budget = Duration.milliseconds(20)

    let redis: RedisClient

    /// Takes `cost` from every layer. What the store says of them goes into `mirror`, so that a gateway knows by itself who is refused for some time to
    /// come.
    ///
    /// `now`: of this process's monotonic clock; the store reckons by a clock of its own, and only distances travel between the two.
    func take(_ cost: Int, _ payer: Payer, _ policies: RatePolicies, mirror: Buckets, now: Int64) async throws(RedisError) -> RateOutcome {
        let layers = policies.layers.filter { $0.policy.mode != .off }
        guard !layers.isEmpty else { return outcome(policies, policies.layers[0], .untouched(policies.layers[0].policy.limit)) }
        let buckets = layers.map { payer.bucket(of: $0) }
        var arguments = [Int64(cost)]
        for layer in layers {
            arguments += [layer.policy.limit.interval, Int64(layer.policy.limit.burst), layer.policy.mode == .enforce ? 1 : 0]
        }
        let answer = try await redis.run(Self.script, keys: buckets.map(\.name), arguments: arguments)
        guard answer.count == 2 * layers.count else { throw .refused("\(answer.count) numbers") }

        var tightest: (layer: RatePolicies.Layer, decision: GCRA.Decision)?
        var refused: (layer: RatePolicies.Layer, decision: GCRA.Decision)?
        for (index, layer) in layers.enumerated() {
            let (isAllowed, kept) = (answer[2 * index] == 1, answer[2 * index + 1])
            mirror.note(now + kept, of: buckets[index], now: now)
            var decision = GCRA.decided(isAllowed, kept: kept, limit: layer.policy.limit, cost: cost)
            if !isAllowed {
                layer.policy.exceeded.increment()
                if layer.policy.mode == .enforce {
                    refused = refused ?? (layer, decision)
                } else {
                    decision = .exhausted(resetAfter: decision.resetAfter)
                }
            }
            if decision.remaining < tightest?.decision.remaining ?? .max { tightest = (layer, decision) }
        }
        guard let found = refused ?? tightest else { throw .refused("no limit") }
        return outcome(policies, found.layer, found.decision)
    }

    private func outcome(_ policies: RatePolicies, _ layer: RatePolicies.Layer, _ decision: GCRA.Decision) -> RateOutcome {
        RateOutcome(policies: policies.header, name: layer.policy.name, burst: layer.policy.limit.burst, decision: decision)
    }

    /// `GCRA.decide` for all keys at once, by the clock of the store, in microseconds since 2025: so that the parts of a point that are less than one
    /// survive in a double. A clock that goes back finds buckets emptier than they are, never fuller (T34).
    ///
    /// Answers with two numbers for each key: whether its limit allows the call, and the nanoseconds until its bucket is full.
    static let script = RedisScript(
        """
        local time = redis.call('TIME')
        local now = (tonumber(time[1]) - 1735689600) * 1000000 + tonumber(time[2])
        local cost = tonumber(ARGV[1])
        local known = redis.call('MGET', unpack(KEYS))
        local starts, nexts, allowed = {}, {}, {}
        local granted = true
        for i = 1, #KEYS do
            local interval = tonumber(ARGV[3 * i - 1]) / 1000
            local burst = tonumber(ARGV[3 * i])
            starts[i] = math.max(now, tonumber(known[i] or '0'))
            nexts[i] = starts[i] + interval * math.min(cost, burst)
            allowed[i] = nexts[i] - now <= interval * burst + 0.001
            if not allowed[i] and ARGV[3 * i + 1] == '1' then granted = false end
        end
        local answer = {}
        for i = 1, #KEYS do
            local kept = starts[i]
            if granted and allowed[i] then
                kept = nexts[i]
                redis.call('SET', KEYS[i], string.format('%.3f', kept), 'PX', math.ceil((kept - now) / 1000) + 1000)
            end
            answer[2 * i - 1] = allowed[i] and 1 or 0
            answer[2 * i] = math.floor((kept - now) * 1000)
        end
        return answer
        """)
}

extension BucketKey {
    /// `assay:limit:tenant:export:01…`: what the bucket is called where others keep it.
    var name: [UInt8] {
        let owner =
            switch kind {
            case .key: "key"
            case .tenant: "tenant"
            case .address: "address"
            }
        return Array("assay:limit:\(owner):\(routeClass?.rawValue ?? "all"):\(String(high, radix: 16)).\(String(low, radix: 16))".utf8)
    }
}
