@testable import ValidationService

/// What a program really prints, and what is the matter then.
struct TrueMessage: Sendable, CustomStringConvertible {
    let category: ValidationService.Category
    var type = ""
    let message: String
    var trace = ""

    var description: String { "\(type) \(message) \(trace)" }

    init(_ category: ValidationService.Category, _ message: String, type: String = "", trace: String = "") {
        self.category = category
        self.message = message
        self.type = type
        self.trace = trace
    }
}

/// What programs really print. Most were copied from the tool that is named, run for this; those of services and operating systems that cannot be run here
/// are from their sources or documentation.
enum TrueMessages {
    static let processes: [TrueMessage] = [
        // Java 17
        .init(.outOfMemory, "Java heap space", type: "java.lang.OutOfMemoryError"),
        .init(.outOfMemory, "", trace: "Caused by: java.lang.OutOfMemoryError: GC overhead limit exceeded"),
        // node 20
        .init(.outOfMemory, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
        // Python 3
        .init(.outOfMemory, "", type: "MemoryError"), .init(.outOfMemory, "", trace: "    a = [0] * 10**8\nMemoryError"),
        // Go, Rust, .NET, Ruby, PHP, C++
        .init(.outOfMemory, "fatal error: runtime: out of memory"), .init(.outOfMemory, "memory allocation of 8589934592 bytes failed"),
        .init(.outOfMemory, "Exception of type 'System.OutOfMemoryException' was thrown.", type: "System.OutOfMemoryException"),
        .init(.outOfMemory, "failed to allocate memory", type: "NoMemoryError"),
        .init(.outOfMemory, "Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes)"),
        .init(.outOfMemory, "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc"),
        // Linux, Docker, Kubernetes, Gradle, GitHub Actions
        .init(.outOfMemory, "Memory cgroup out of memory: Killed process 4242 (java) total-vm:8123456kB"),
        .init(.outOfMemory, "Last State: Terminated\n  Reason: OOMKilled\n  Exit Code: 137"),
        .init(.outOfMemory, "command terminated with exit code 137"),
        .init(.outOfMemory, "Process 'Gradle Test Executor 3' finished with non-zero exit value 137"),
        .init(.outOfMemory, "##[error]Process completed with exit code 137."), .init(.outOfMemory, "db exited (137) 3 seconds ago"),

        // gcc: the shell, glibc, the sanitizers
        .init(.crash, "bash: line 1:  8289 Segmentation fault      ./s n"), .init(.crash, "Segmentation fault (core dumped)"),
        .init(.crash, "*** stack smashing detected ***: terminated"), .init(.crash, "*** buffer overflow detected ***: terminated"),
        .init(.crash, "free(): double free detected in tcache 2"), .init(.crash, "Floating point exception (core dumped)"),
        .init(.crash, "==8317==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000018 at pc 0x55c548c7f601"),
        .init(.crash, "==8373==ERROR: LeakSanitizer: detected memory leaks"),
        .init(.crash, "s.c:7:96: runtime error: store to null pointer of type 'volatile int'"),
        // Python, Go, Rust, Java, node, Ruby, Swift, .NET
        .init(.crash, "Command '['sh', '-c', 'kill -SEGV $$']' died with <Signals.SIGSEGV: 11>.", type: "subprocess.CalledProcessError"),
        .init(
            .crash, "A process in the process pool was terminated abruptly while the future was running or pending.",
            type: "concurrent.futures.process.BrokenProcessPool"),
        .init(.crash, "maximum recursion depth exceeded", type: "RecursionError"), .init(.crash, "signal: segmentation fault"),
        .init(.crash, "signal: killed"),
        .init(
            .crash,
            "panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0]"),
        .init(.crash, "thread 'main' (8573) has overflowed its stack\nfatal runtime error: stack overflow, aborting"),
        .init(.crash, "", type: "java.lang.StackOverflowError"),
        .init(.crash, "# A fatal error has been detected by the Java Runtime Environment:\n#  SIGSEGV (0xb)"),
        .init(.crash, "Maximum call stack size exceeded", type: "RangeError"), .init(.crash, "stack level too deep", type: "SystemStackError"),
        .init(.crash, "Swift/ContiguousArrayBuffer.swift:600: Fatal error: Index out of range"),
        .init(.crash, "Fatal error. System.AccessViolationException: Attempted to read or write protected memory."),
        // pytest-xdist, Surefire, vstest, jest, Playwright, Kubernetes
        .init(.crash, "worker 'gw0' crashed while running 'tests/test_a.py::test_b'"),
        .init(.crash, "The forked VM terminated without properly saying goodbye. VM crash or System.exit called?"),
        .init(.crash, "The active test run was aborted. Reason: Test host process crashed"), .init(.crash, "page.goto: Page crashed"),
        .init(.crash, "A jest worker process (pid=99) was terminated by another process: signal=SIGSEGV, exitCode=null."),
        .init(.crash, "container api exited with code 139"), .init(.crash, "error: Exited with unexpected signal code 6: Aborted (core dumped)"),

        .init(.resource, "write /tmp/x: no space left on device"), .init(.resource, "ENOSPC: no space left on device, write"),
        .init(.resource, "accept tcp [::]:80: accept4: too many open files"),
        .init(
            .resource, "unable to create native thread: possibly out of memory or process/resource limits reached", type: "java.lang.OutOfMemoryError"
        ),
        .init(.resource, "pods \"a\" is forbidden: exceeded quota: team, requested: cpu=2"), .init(.resource, "Request failed with status code 429"),

        // PostgreSQL, MySQL, SQLite, Go, Java, Python, Ruby, tsan
        .init(
            .concurrency, "ERROR: deadlock detected\nDETAIL: Process 1 waits for ShareLock on transaction 2", type: "psycopg2.errors.DeadlockDetected"
        ),
        .init(.concurrency, "Deadlock found when trying to get lock; try restarting transaction"),
        .init(.concurrency, "database is locked", type: "sqlite3.OperationalError"),
        .init(.concurrency, "could not serialize access due to concurrent update"),
        .init(.concurrency, "WARNING: DATA RACE\nRead at 0x00c000098008 by goroutine 7:"),
        .init(.concurrency, "WARNING: ThreadSanitizer: data race (pid=8386)"), .init(.concurrency, "fatal error: concurrent map writes"),
        .init(.concurrency, "", type: "java.util.ConcurrentModificationException"),
        .init(.concurrency, "dictionary changed size during iteration", type: "RuntimeError"),
        .init(.concurrency, "No live threads left. Deadlock?", type: "fatal"),
        .init(.concurrency, "called `Result::unwrap()` on an `Err` value: PoisonError { .. }"),
        .init(.concurrency, "Row was updated or deleted by another transaction", type: "org.hibernate.StaleObjectStateException"),
        .init(
            .concurrency, "Task java.util.concurrent.FutureTask@4fca772d rejected from java.util.concurrent.ThreadPoolExecutor@9807454",
            type: "java.util.concurrent.RejectedExecutionException"),

        .init(.environment, "##[error]Process completed with exit code 143."), .init(.environment, "The runner has received a shutdown signal."),
        .init(.environment, "bash: line 1: nosuchcmd: command not found"), .init(.environment, "cat: /nope: No such file or directory"),
        .init(.environment, "ENOENT: no such file or directory, open '/nope'"),
        .init(.environment, "/nope", type: "java.nio.file.NoSuchFileException"),
        .init(.environment, "listen tcp 127.0.0.1:42271: bind: address already in use"),
        .init(.environment, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."),
        .init(.environment, "Back-off pulling image: ImagePullBackOff"),
        .init(.environment, "session not created: This version of ChromeDriver only supports Chrome version 114"),
        .init(.environment, "./s: error while loading shared libraries: libfoo.so.1: cannot open shared object file"),
        .init(.environment, "relation \"orders\" does not exist", type: "UndefinedTable"),
        .init(.environment, "ERROR: relation \"orders\" does not exist at character 15"),
        .init(.environment, "column \"x\" of relation \"t\" does not exist"),
    ]

    static let services: [TrueMessage] = [
        .init(.dns, "[Errno -2] Name or service not known", type: "socket.gaierror"),
        .init(.dns, "<urlopen error [Errno -2] Name or service not known>", type: "urllib.error.URLError"),
        .init(.dns, "getaddrinfo ENOTFOUND nope.invalid"), .init(.dns, "nope.invalid", type: "java.net.UnknownHostException"),
        .init(.dns, "dial tcp: lookup nope.invalid on 10.255.255.53:53: no such host", type: "*net.OpError"),
        .init(.dns, "getaddrinfo: Name or service not known", type: "SocketError"),
        .init(.dns, "failed to lookup address information: Temporary failure in name resolution"),
        .init(.dns, "page.goto: net::ERR_NAME_NOT_RESOLVED at https://nope.invalid/"),
        .init(.dns, "curl: (6) Could not resolve host: nope.invalid"),

        .init(
            .tls, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)",
            type: "ssl.SSLCertVerificationError"),
        .init(.tls, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)", type: "ssl.SSLEOFError"),
        .init(.tls, "Remote host terminated the handshake", type: "javax.net.ssl.SSLHandshakeException"),
        .init(
            .tls, "PKIX path building failed: unable to find valid certification path to requested target",
            type: "sun.security.validator.ValidatorException"),
        .init(.tls, "fetch failed", trace: "Client network socket disconnected before secure TLS connection was established"),
        .init(.tls, "x509: certificate has expired or is not yet valid"),
        .init(.tls, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        .init(.tls, "net::ERR_CERT_AUTHORITY_INVALID"), .init(.tls, "curl: (60) SSL certificate problem: unable to get local issuer certificate"),
        .init(.tls, "The remote certificate is invalid according to the validation procedure."),

        .init(.network, "[Errno 111] Connection refused", type: "ConnectionRefusedError"),
        .init(.network, "Connection refused - connect(2) for \"127.0.0.1\" port 9", type: "Errno::ECONNREFUSED"),
        .init(.network, "dial tcp 127.0.0.1:9: connect: connection refused"),
        .init(.network, "fetch failed", trace: "[cause]: SocketError: other side closed"),
        .init(.network, "IncompleteRead(3 bytes read, 10 more expected)", type: "http.client.IncompleteRead"), .init(.network, "socket hang up"),
        .init(.network, "Connection refused", type: "java.net.ConnectException"), .init(.network, "write: broken pipe"),
        .init(.network, "called `Result::unwrap()` on an `Err` value: Os { code: 111, kind: ConnectionRefused, message: \"Connection refused\" }"),

        .init(.timeout, "timed out", type: "TimeoutError"), .init(.timeout, "", type: "TimeoutError"),
        .init(.timeout, "", type: "java.util.concurrent.TimeoutException"),
        .init(.timeout, "Read timed out", type: "java.net.SocketTimeoutException"),
        .init(.timeout, "Command '['sleep', '2']' timed out after 0.1 seconds", type: "subprocess.TimeoutExpired"),
        .init(.timeout, "context deadline exceeded", type: "context.deadlineExceededError"),
        .init(.timeout, "execution expired", type: "Timeout::Error"),
        .init(.timeout, "Get \"http://127.0.0.1:42271\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
        .init(.timeout, "thrown: \"Exceeded timeout of 5000 ms for a test.\""),
        .init(.timeout, "Timeout of 2000ms exceeded. For async tests and hooks, ensure \"done()\" is called"),
        .init(.timeout, "Test timeout of 30000ms exceeded."),
        .init(.timeout, "panic: test timed out after 1s", trace: "goroutine 7: net.(*conn).Read: connection reset"),
        .init(.timeout, "Failed: Timeout >1.0s"),
        .init(.timeout, "test timed out after 500 milliseconds", type: "org.junit.runners.model.TestTimedOutException"),

        .init(.authentication, "FATAL: password authentication failed for user \"app\""),
        .init(.authentication, "Request failed with status code 401"),
        .init(.authentication, "jwt expired", type: "TokenExpiredError"), .init(.authentication, "rpc error: code = Unauthenticated desc = no token"),
        .init(.authentication, "git@github.com: Permission denied (publickey)."),
        .init(.authentication, "Access denied for user 'app'@'localhost' (using password: YES)"),
        .init(.authorization, "Request failed with status code 403"), .init(.authorization, "rpc error: code = PermissionDenied desc = no"),
        .init(.authorization, "Server returned HTTP response code: 403 for URL: http://127.0.0.1:36481", type: "java.io.IOException"),
        .init(.authorization, "ERROR: permission denied for table orders"),
        .init(.authorization, "User: arn:aws:iam::1:user/a is not authorized to perform: s3:GetObject"),
        .init(.authorization, "pods is forbidden: User \"system:serviceaccount:ci\" cannot list resource"),
        .init(.serverError, "502 Bad Gateway"), .init(.serverError, "Request failed with status code 503"), .init(.serverError, "HTTP 500"),
        .init(.serverError, "upstream connect error or disconnect/reset before headers. reset reason: overflow"),
    ]

    static let tests: [TrueMessage] = [
        .init(.truncatedReport, "the test did not end"), .init(.truncatedReport, "# Looks like you planned 5 tests but ran 3."),
        .init(.truncatedReport, "Parse errors: Bad plan.  You planned 5 tests but ran 3."), .init(.truncatedReport, "Test was interrupted."),

        .init(.data, "Expecting value: line 1 column 10 (char 9)", type: "json.decoder.JSONDecodeError"),
        .init(.data, "Unexpected end of JSON input", type: "Error"),
        .init(.data, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte", type: "UnicodeDecodeError"),
        .init(.data, "UNIQUE constraint failed: t.a", type: "sqlite3.IntegrityError"),
        // PostgreSQL 15
        .init(.data, "null value in column \"x\" of relation \"t\" violates not-null constraint", type: "psycopg2.errors.NotNullViolation"),
        .init(.data, "ERROR: null value in column \"x\" of relation \"t\" violates not-null constraint\nDETAIL: Failing row contains (1, null)."),
        .init(.data, "new row for relation \"t\" violates check constraint \"t_a_check\""),
        .init(.data, "no partition of relation \"t\" found for row"), .init(.data, "column \"x\" of relation \"t\" contains null values"),
        .init(.data, "conflicting key value violates exclusion constraint \"t_during_excl\""),
        .init(.data, "duplicate key value violates unique constraint \"users_email_key\""),
        .init(.data, "Duplicate entry 'a' for key 'users.PRIMARY'"), .init(.data, "For input string: \"x\"", type: "java.lang.NumberFormatException"),
        .init(.data, "Text 'x' could not be parsed at index 0", type: "java.time.format.DateTimeParseException"),
        .init(.data, "XML document structures must start and end within the same entity.", type: "org.xml.sax.SAXParseException"),
        .init(.data, "invalid character '<' looking for beginning of value"),
        .init(.data, "json: cannot unmarshal string into Go struct field .A of type int"),
        .init(.data, "859: unexpected token at '{\"a\":'", type: "JSON::ParserError"),
        .init(.data, "User matching query does not exist.", type: "app.models.User.DoesNotExist"),
        .init(.data, "Compressed file ended before the end-of-stream marker was reached", type: "EOFError"),
        .init(.data, "File is not a zip file", type: "zipfile.BadZipFile"),
        .init(.data, "invalid input syntax for type uuid: \"x\""),

        .init(.setup, "No module named 'numpy'", type: "ModuleNotFoundError"), .init(.setup, "com.X", type: "java.lang.ClassNotFoundException"),
        .init(.setup, "cannot load such file -- nopelib", type: "LoadError"), .init(.setup, "Cannot find module './nope'"),
        .init(.setup, "fixture 'db' not found"),
        .init(.setup, "\"before each\" hook for \"adds\""),
        .init(.setup, "Error creating bean with name 'api'", type: "org.springframework.beans.factory.BeanCreationException"),

        .init(.assertion, "1 == 2", type: "AssertionError"), .init(.assertion, "s: s.c:7: main: Assertion `1==2' failed."),
        .init(.assertion, "assertion `left == right` failed\n  left: 1\n right: 2"),
        .init(.assertion, "expected: <1> but was: <2>", type: "org.opentest4j.AssertionFailedError"),
        .init(.assertion, "Expected values to be strictly deep-equal:", type: "AssertionError"), .init(.assertion, "expect(received).toBe(expected)"),
        .init(.assertion, "Unable to find an element with the text: Buy", type: "TestingLibraryElementError"),
    ]
}
