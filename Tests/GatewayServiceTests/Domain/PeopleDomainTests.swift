import Foundation
import Primitives
import TestSupport
import Testing

@testable import GatewayService

@Suite("Addresses, passwords, codes and tokens of people")
struct PeopleDomainTests {
    @Test(
        "an address is one that can be delivered, in lower case",
        arguments: [
            ("Ann@Example.COM", "ann@example.com"), (" a.b+c@x-y.example.org ", "a.b+c@x-y.example.org"), ("a@b", nil), ("@example.com", nil),
            ("a@", nil), ("a b@example.com", nil), ("a@exa mple.com", nil), ("a@@example.com", nil), ("a@example..com", nil), (".a@example.com", nil),
            ("a.@example.com", nil), ("a..b@example.com", nil), ("a@-example.com", nil), ("a@example.1", nil), ("\"a b\"@example.com", nil),
            ("a@[127.0.0.1]", nil), ("a@example.com\r\nBcc: b@example.com", nil), ("a@ex\u{E4}mple.com", nil), ("a\u{0}@example.com", nil), ("", nil),
            (String(repeating: "a", count: 65) + "@example.com", nil), ("a@" + String(repeating: "a", count: 250) + ".com", nil),
        ] as [(String, String?)])
    func addresses(typed: String, address: String?) {
        #expect((try? EmailAddress(typed))?.text == address, "\(typed.debugDescription)")
    }

    private static let policy = PasswordPolicy(common: CommonPasswords(list: "#!comment: nothing\nhunter2\nletmein\nsupercalifragilistic\n"))

    @Test(
        "a password is refused for being short, long, common, or one's own data, and for nothing else",
        arguments: [
            ("four words make a good one", nil), ("fourteen chars", "too_short"), ("fifteen charsss", nil),
            (String(repeating: "\u{1F600}", count: 14), "too_short"),
            ((0..<16).map { "kx\($0)vtqz".prefix(8) }.joined(), nil), (String(repeating: "Xk9 ", count: 32) + "x", "too_long"),
            ("passwordpassword", "common"), ("Password12345678", "common"), ("P@ssw0rdP@ssw0rd", "common"), ("qwertyuiopasdfgh", "common"),
            ("1234567890123456", "common"), ("aaaaaaaaaaaaaaaaa", "common"), ("abcabcabcabcabcabc", "common"), ("Summer2026Summer2026", "common"),
            ("letmein-letmein-123", "common"), ("supercalifragilistic2026!", "common"), ("1q2w3e4r5t6y7u8i9o", "common"),
            ("ann.archer@corp.example", "own_data"), ("ann.archer1234567", "own_data"), ("assay-assay-assay", "own_data"),
            ("Assay1234567890!", "own_data"),
            ("my dog ate the purple homework", nil), ("k7#Qz-vbT0p!wLm2xR", nil), ("the assay of gold and silver ore", nil),
        ] as [(String, String?)])
    func passwords(password: String, reason: String?) throws {
        let email = try EmailAddress("ann.archer@corp.example")
        do {
            try Self.policy.check(password, email: email)
            #expect(reason == nil, "\(password) was taken")
        } catch {
            #expect(error.fields.first?.code == reason, "\(password): \(error.detail)")
            #expect(error.code == "request.invalid")
        }
    }

    @Test("with a second factor eight characters are enough, if they are not among the first that are tried")
    func shortPasswords() throws {
        let email = try EmailAddress("ann@example.com")
        try Self.policy.check("g7#kQ2vx", email: email, hasSecondFactor: true)
        for password in ["g7#kQ2v", "password", "hunter2hunter2", "qwerty12"] {
            #expect(throws: Fault.self, "\(password)") { try Self.policy.check(password, email: email, hasSecondFactor: true) }
        }
    }

    // MARK: - The second factor

    @Test(
        "codes are those of RFC 6238", arguments: [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")])
    func vectors(time: Int, code: String) {
        let password = OneTimePassword(secret: Data("12345678901234567890".utf8))
        #expect(password.code(step: OneTimePassword.step(at: Date(timeIntervalSince1970: Double(time)))) == code)
    }

    @Test("oathtool makes the same codes from the secret that is shown")
    func oathtool() throws {
        for _ in 0..<5 {
            var random = SystemRandomNumberGenerator()
            let secret = OneTimePassword.newSecret(using: &random)
            let time = Int.random(in: 1_700_000_000...2_000_000_000)
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/oathtool")
            process.arguments = ["--totp=sha1", "--base32", "--now", "@\(time)", secret.base32]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            let own = OneTimePassword(secret: secret).code(step: OneTimePassword.step(at: Date(timeIntervalSince1970: Double(time))))
            #expect(text.trimmingCharacters(in: .whitespacesAndNewlines) == own)
        }
    }

    @Test("a code is good one step around its own, and never for a step that was used")
    func window() {
        let password = OneTimePassword(secret: Data(repeating: 3, count: 20))
        let now = Date(timeIntervalSince1970: 1_800_000_010)
        let step = OneTimePassword.step(at: now)
        for offset in -3...3 as ClosedRange<Int64> {
            let found = password.step(of: password.code(step: step + offset), at: now, after: nil)
            #expect(found == (abs(offset) <= 1 ? step + offset : nil), "\(offset)")
        }
        #expect(password.step(of: password.code(step: step), at: now, after: step) == nil)
        #expect(password.step(of: password.code(step: step - 1), at: now, after: step) == nil)
        #expect(password.step(of: password.code(step: step + 1), at: now, after: step) == step + 1)
        for wrong in ["", "12345", "1234567", "abcdef", password.code(step: step) + " "] {
            #expect(password.step(of: wrong, at: now, after: nil) == nil)
        }
    }

    @Test("an authenticator's address names issuer, account and secret; base32 is that of RFC 4648")
    func address() {
        #expect(Data("foobar".utf8).base32 == "MZXW6YTBOI" && Data("fooba".utf8).base32 == "MZXW6YTB" && Data("f".utf8).base32 == "MY")
        let uri = OneTimePassword(secret: Data("12345678901234567890".utf8)).uri(account: "a b&c@example.com", issuer: "Assay")
        #expect(
            uri == "otpauth://totp/Assay:a%20b%26c@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Assay&algorithm=SHA1&digits=6&period=30"
        )
    }

    @Test("a camera reads from a QR code what was put into it, whatever its length", arguments: [1, 14, 15, 84, 85, 123, 213, 214, 300, 412])
    func qrCode(length: Int) throws {
        let text = String((0..<length).map { Array("otpauth://totp/Assay:ann@example.com?secret=GEZDGNBV")[$0 * 7 % 52] })
        let code = try #require(QRCode(text))
        // A portable bitmap with four pixels for each module, and the quiet zone around.
        let side = (code.size + 8) * 4
        var image = "P1\n\(side) \(side)\n"
        for y in 0..<side {
            for x in 0..<side {
                let (column, row) = (x / 4 - 4, y / 4 - 4)
                let isInside = (0..<code.size).contains(column) && (0..<code.size).contains(row)
                image += isInside && code.modules[row][column] ? "1 " : "0 "
            }
            image += "\n"
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "qr-\(UUID().uuidString).pbm")
        try Data(image.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/zbarimg")
        process.arguments = ["-q", "--raw", "--nodbus", file.path]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let read = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(read == text + "\n")
        #expect(code.path.hasPrefix("M4 4h1v1h-1z"))
        #expect(QRCode(String(repeating: "x", count: 413)) == nil)
    }

    @Test("a recovery code is known however it is typed")
    func recoveryCodes() {
        var random = SystemRandomNumberGenerator()
        let codes = (0..<200).map { _ in RecoveryCode.make(using: &random) }
        #expect(Set(codes).count == 200)
        for code in codes { #expect(RecoveryCode.normalized(" " + code.uppercased().replacing("-", with: " ")) == code.replacing("-", with: "")) }
        for wrong in ["", "123456", "abcde-fghj", "abcde-fghjkm", "abcde-fghj0", "abcde-fghjü"] { #expect(RecoveryCode.normalized(wrong) == nil) }
    }

    @Test("texts that differ anywhere are not equal, whatever their difference does to the comparison's bits")
    func constantTime() {
        #expect("abc".isEqualInConstantTime(to: "abc") && "".isEqualInConstantTime(to: ""))
        for other in ["", "ab", "abcd", "abd", "bbc", "aBc", "abC"] { #expect(!"abc".isEqualInConstantTime(to: other), "\(other)") }
        // With | and ^ of one precedence, as Swift has them, the second difference would undo the first.
        #expect(!"ab".isEqualInConstantTime(to: "`c") && !FormToken(sessionToken: "x").matches("y"))
        let token = FormToken(sessionToken: "x").text
        #expect(FormToken(sessionToken: "x").matches(token))
        for index in token.utf8.indices {
            for byte in UInt8(32)...126 where byte != token.utf8[index] {
                var bytes = Array(token.utf8)
                bytes[token.utf8.distance(from: token.utf8.startIndex, to: index)] = byte
                #expect(!FormToken(sessionToken: "x").matches(String(decoding: bytes, as: UTF8.self)))
            }
        }
    }

    // MARK: - Refresh tokens

    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    @Test(
        "a refresh token is exchanged once; a repetition is answered for ten seconds to the same client, and is theft otherwise",
        arguments: [
            // Seconds since it was replaced, same client, whether its successor is still the newest.
            (nil, true, true, RefreshDecision.rotate), (0.0, true, true, .repeatAnswer), (10.0, true, true, .repeatAnswer),
            (10.1, true, true, .reuse),
            (1.0, false, true, .reuse), (1.0, true, false, .reuse),
        ] as [(Double?, Bool, Bool, RefreshDecision)])
    func refresh(age: Double?, isSame: Bool, isNewest: Bool, expected: RefreshDecision) {
        let decision = RefreshDecision(
            givenAt: Self.start, replacedAt: age.map { Self.start + 100 - $0 }, replacedFor: Data([1]), client: Data([isSame ? 1 : 2]),
            isSuccessorNewest: isNewest, sessionEnds: Self.start + 1_000, now: Self.start + 100)
        #expect(decision == expected)
    }

    @Test("a refresh token is over fourteen days after it was given, and with its session")
    func refreshExpiry() {
        func decision(_ now: Date, ends: Date) -> RefreshDecision {
            RefreshDecision(
                givenAt: Self.start, replacedAt: nil, replacedFor: nil, client: Data(), isSuccessorNewest: true, sessionEnds: ends, now: now)
        }
        let far = Self.start + RefreshDecision.longest
        #expect(decision(Self.start + RefreshDecision.idle - 1, ends: far) == .rotate)
        #expect(decision(Self.start + RefreshDecision.idle, ends: far) == .expired)
        #expect(decision(Self.start + 10, ends: Self.start + 10) == .expired)
    }

    @Test("a session is for the organization that was asked for, else the last one, else the oldest membership")
    func organizations() throws {
        let all = (0..<3).map { OwnOrganization(tenant: .new(), name: "o\($0)", role: "viewer") }
        #expect(try OwnOrganization.choose(nil, last: nil, of: []) == nil)
        #expect(try OwnOrganization.choose(nil, last: .new(), of: all) == all[0])
        #expect(try OwnOrganization.choose(nil, last: all[2].tenant, of: all) == all[2])
        #expect(try OwnOrganization.choose(all[1].tenant, last: all[2].tenant, of: all) == all[1])
        #expect(throws: Fault.notAMember) { try OwnOrganization.choose(.new(), last: nil, of: all) }
    }
}
