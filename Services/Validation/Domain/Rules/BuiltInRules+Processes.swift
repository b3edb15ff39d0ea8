/// What happens to processes and to the machine that they run on.
extension BuiltInRules {
    static let outOfMemory = [
        // Java calls it an OutOfMemoryError, and means threads.
        Rule(
            "resource.threads", .resource, .high, "No more threads or processes could be had.",
            .text([
                "unable to create new native thread", "unable to create native thread", "pthread_create failed", "can't start new thread",
                "failed to create new os thread", "fork: retry", "cannot fork",
            ])),
        Rule(
            "out-of-memory.killed", .outOfMemory, .critical,
            "The kernel, the container's limit or the orchestrator killed the process for its memory.",
            .text([
                "oom-kill", "oomkilled", "out of memory: kill", "memory cgroup out of memory", "container killed due to memory usage",
                "exceeded memory limit", "memory limit exceeded", "container is running beyond physical memory limits",
            ]),
            // 128 + SIGKILL. Nobody else sends it to a test as a rule.
            .word([
                "exit code 137", "exit code: 137", "exitcode 137", "exitcode: 137", "exit status 137", "exit value 137", "exited with code 137",
                "exited with 137", "error code 137", "exited (137)", "return code 137", "exit code=137",
            ])),
        Rule(
            "out-of-memory.exhausted", .outOfMemory, .critical, "The process had no memory left.",
            .type(["OutOfMemoryError", "MemoryError", "OutOfMemoryException", "NoMemoryError", "bad_alloc", "InsufficientExecutionStackException"]),
            .text([
                "java.lang.outofmemoryerror", "java heap space", "gc overhead limit exceeded", "system.outofmemoryexception", "std::bad_alloc",
                "cannot allocate memory", "heap limit allocation failed", "javascript heap out of memory", "fatal error: runtime: out of memory",
                "runtime: cannot allocate memory", "memory allocation of ", "failed to allocate memory", "unable to allocate memory",
                "virtual memory exhausted", "out of memory error", "requested more memory than", "allowed memory size of ", "cuda out of memory",
                "addresssanitizer: out of memory", "addresssanitizer failed to allocate", "insufficient memory for the java runtime",
                "sbox_fatal_memory_exceeded",
                "aw, snap! something went wrong while displaying this webpage: out of memory", "process out of memory",
            ]),
            .word(["out of memory", "memoryerror", "enomem", "nomemoryerror"])),
    ]

    static let crash = [
        Rule(
            "crash.sanitizer", .crash, .critical, "A sanitizer or the C library found memory being misused.",
            .text([
                "error: addresssanitizer:", "error: leaksanitizer:", "warning: memorysanitizer:", "error: hwaddresssanitizer:", "heap-use-after-free",
                "heap-buffer-overflow", "stack-buffer-overflow", "double free or corruption", "free(): double free", "free(): invalid pointer",
                "free(): invalid size", "malloc(): corrupted", "malloc(): invalid size", "corrupted size vs. prev_size",
                "munmap_chunk(): invalid pointer",
                "malloc_consolidate()", "*** stack smashing detected ***", "*** buffer overflow detected ***", "glibc detected",
                "undefinedbehaviorsanitizer:", "runtime error: load of null pointer", "runtime error: store to null pointer",
                "pointer being freed was not allocated", "invalid read of size", "invalid write of size",
            ])),
        Rule(
            "crash.signal", .crash, .critical, "The process was ended by a signal.",
            .type(["AccessViolationException", "SignalException"]),
            .text([
                "segmentation fault", "segmentation violation", "sigsegv", "sigabrt", "sigbus", "sigill", "sigfpe", "sigtrap",
                "bus error (core dumped)",
                "(core dumped)", "exc_bad_access", "exc_bad_instruction", "exc_breakpoint", "exc_crash", "access violation",
                "accessviolationexception",
                "floating point exception (core", "floating-point exception (core", "illegal instruction (core", "trace/breakpoint trap",
                "fatal python error:",
                "*** program crashed:", "💣 program crashed", "a fatal error has been detected by the java runtime environment", "signal: aborted",
                "signal: bus error", "signal: illegal instruction", "terminated by signal", "killed by signal", "received signal 11", "signal 11 (",
                "crashed with signal", "0xc0000005", "0xc0000409", "status_access_violation", "attempted to read or write protected memory",
            ]),
            .word([
                "exit code 139", "exit code: 139", "exitcode 139", "exit status 139", "exit value 139", "exited with code 139", "exited (139)",
                "return code 139", "exit code 134", "exit code: 134", "exit status 134", "exit value 134", "exited with code 134", "exited (134)",
                "return code 134", "exit code -11", "exit code -6", "exitcode -11", "signal: killed", "died with <signals.sigkill: 9>", "signal 6",
                "signal 11",
                "signal 9", "exit code 132", "exit code 136", "exit status 2816",
            ])),
        Rule(
            "crash.stack", .crash, .high, "The calls went too deep for the stack.",
            .type(["StackOverflowError", "RecursionError", "SystemStackError", "StackOverflowException"]),
            .text([
                "java.lang.stackoverflowerror", "maximum call stack size exceeded", "maximum recursion depth exceeded", "stack level too deep",
                "has overflowed its stack", "goroutine stack exceeds", "stack overflow.\nrepeat",
                "process is terminated due to stackoverflowexception",
                "addresssanitizer: stack-overflow", "too much recursion",
            ])),
        Rule(
            "crash.runtime", .crash, .critical, "The runtime ended the process for an error that nobody handles.",
            .text([
                "panic: runtime error:", "fatal error: all goroutines are asleep", "unexpected signal during runtime execution",
                "fatal runtime error:",
                "swift/contiguousarraybuffer.swift", "fatal error: unexpectedly found nil", "fatal error: index out of range",
                "swift runtime failure:",
                "terminate called after throwing", "terminate called without an active exception", "libc++abi: terminating",
                "pure virtual method called",
                "unhandled exception. system.", "unhandled exception: system.", "thread panicked while processing panic",
                "panic in a function that cannot unwind",
                "fatal error: fault", "runtime: unexpected return pc", "uncaught exception 'ns",
            ])),
        Rule(
            "crash.worker", .crash, .critical, "The process that ran the tests was gone before it had reported.",
            .type(["BrokenProcessPool", "WorkerLostError", "TestHostCrashException"]),
            .text([
                "crashed while running", "worker 'gw", "the forked vm terminated without", "vm crash or system.exit called",
                "test host process crashed",
                "a process in the process pool was terminated abruptly", "a worker process has failed to exit gracefully", "jest worker encountered",
                "a jest worker process", "worker terminated due to reaching memory limit", "test runner crashed",
                "test process encountered an unexpected problem",
                "early unexpected exit", "test crashed with signal", "exited unexpectedly", "worker process exited unexpectedly",
                "the test runner exited with code", "restarting after unexpected exit, crash, or test timeout", "process crashed", "page crashed",
                "tab crashed",
                "renderer process just crashed", "chrome not reachable", "target crashed", "browser crashed", "[vitest-pool]: worker",
                "channel closed before",
            ])),
    ]

    static let resource = [
        Rule(
            "resource.disk-full", .resource, .critical, "No space was left on a disk.",
            .text([
                "no space left on device", "disk quota exceeded", "not enough space on the disk", "there is not enough space on the disk",
                "disk is full",
                "low on disk space", "database or disk is full", "evicted: the node was low on resource",
            ]),
            .word(["enospc", "edquot"])),
        Rule(
            "resource.too-many-files", .resource, .high, "Too many files or sockets were open.",
            .text([
                "too many open files", "resource temporarily unavailable", "system limit for number of file watchers reached",
                "no buffer space available", "cannot assign requested address",
            ]),
            .word(["emfile", "enfile", "eagain", "enobufs"])),
        Rule(
            "resource.quota", .resource, .high, "A quota of the cluster or of a provider is used up.",
            .text([
                "exceeded quota:", "insufficient cpu", "insufficient memory.", "quota exceeded", "quotaexceeded", "limitexceededexception",
                "429 too many requests",
                "too many requests", "rate limit exceeded", "ratelimitexceeded", "throttlingexception", "toomanyrequestsexception",
                "nodes are available:",
            ]),
            .word(["status code 429", "status code: 429", "http 429", "status 429"])),
        Rule("resource.answer-too-large", .resource, .medium, "The answer was larger than the limit.", .errorCode(["response_too_large"])),
    ]

    static let concurrency = [
        Rule(
            "concurrency.deadlock", .concurrency, .high, "Two waited for each other, or for a lock that nobody gave back.",
            .type([
                "DeadlockLoserDataAccessException", "CannotAcquireLockException", "LockTimeoutException", "LockAcquisitionException",
                "DeadlockException",
                "PessimisticLockException", "LockWaitTimeout", "Deadlocked",
            ]),
            .text([
                "deadlock detected", "deadlock found when trying to get lock", "was deadlocked on lock", "found one java-level deadlock",
                "deadlock; recursive locking",
                "no live threads left. deadlock", "lock wait timeout exceeded", "could not obtain lock on", "canceling statement due to lock timeout",
                "resource deadlock avoided", "fatal: deadlock", "potential deadlock", "lock-order-inversion", "database is locked",
                "database table is locked",
            ]),
            .word(["sqlite_busy", "edeadlk", "sqlstate 40p01", "sqlstate: 40p01"])),
        Rule(
            "concurrency.race", .concurrency, .high, "A race: several changed the same without agreeing on an order.",
            .type([
                "ConcurrentModificationException", "BrokenBarrierException", "IllegalMonitorStateException", "RejectedExecutionException",
                "InvalidAsynchronousStateException",
            ]),
            .text([
                "warning: data race", "threadsanitizer: data race", "warning: threadsanitizer:", "concurrentmodificationexception",
                "fatal error: concurrent map",
                "concurrent map writes", "concurrent map read and map write", "dictionary changed size during iteration",
                "set changed size during iteration",
                "deque mutated during iteration", "collection was modified; enumeration", "race condition detected", "data race detected",
                "send on closed channel",
                "sync: negative waitgroup counter", "unlock of unlocked mutex", "poisonerror", "simultaneous accesses to 0x",
                "already mutably borrowed",
                "cannot schedule new futures after shutdown", "attached to a different loop", "event loop is closed",
                "a second operation was started on this context",
            ])),
        Rule(
            "concurrency.conflict", .concurrency, .medium, "Somebody else had changed it meanwhile.",
            .type([
                "OptimisticLockException", "ObjectOptimisticLockingFailureException", "StaleObjectStateException", "StaleObjectError",
                "SerializationFailure",
                "DbUpdateConcurrencyException", "OptimisticLockingFailureException", "StaleDataError", "ConcurrencyException",
            ]),
            .text([
                "could not serialize access due to", "row was updated or deleted by another transaction", "optimistic lock", "writeconflict",
                "restart transaction:", "the object has been modified; please apply your changes to the latest version",
                "transaction was aborted due to a concurrent",
            ]),
            .word(["sqlstate 40001", "sqlstate: 40001", "sqlstate[40001]"])),
    ]

    static let environment = [
        Rule(
            "environment.address-in-use", .environment, .medium, "A port or address was taken already.",
            .text([
                "address already in use", "port is already allocated", "bind: permission denied", "only one usage of each socket address",
                "port is already in use", "is already in use by container",
            ]),
            .word(["eaddrinuse"])),
        Rule(
            "environment.terminated", .environment, .medium, "The job was ended from outside: cancelled, preempted or evicted.",
            .text([
                "the operation was canceled.", "received sigterm", "the runner has received a shutdown signal",
                "the hosted runner lost communication",
                "lost communication with the server", "job was canceled", "signal: terminated", "pod was evicted", "instance was preempted",
                "spot instance interruption", "agent lost", "keyboardinterrupt",
            ]),
            .word([
                "exit code 143", "exit code: 143", "exitcode 143", "exit status 143", "exit value 143", "exited with code 143", "exited (143)",
                "return code 143",
                "sigterm", "sigint", "exit code 130",
            ])),
        Rule(
            "environment.container", .environment, .high, "A container or an image could not be had.",
            .type(["ContainerLaunchException", "ContainerFetchException", "DockerException", "ImageNotFound"]),
            .text([
                "cannot connect to the docker daemon", "could not find a valid docker environment", "imagepullbackoff", "errimagepull",
                "crashloopbackoff",
                "failed to pull image", "manifest unknown", "toomanyrequests: you have reached your pull rate limit", "container startup failed",
                "no such container", "no such image", "error response from daemon", "exec format error", "createcontainerconfigerror",
                "createcontainererror",
            ])),
        Rule(
            "environment.database", .environment, .high, "The test's database was not there, or not in the expected state.",
            .type([
                "UndefinedTable", "CannotGetJdbcConnectionException", "CommunicationsException", "SQLTransientConnectionException",
                "InvalidCatalogName",
            ]),
            .text([
                "relation \"", "no such table", "doesn't exist in engine", "unknown database", "could not connect to server",
                "connection pool exhausted",
                "connection is not available, request timed out", "too many connections", "too many clients already",
                "the database system is starting up",
                "the database system is shutting down", "invalid object name '", "ora-00942", "ora-12541", "no mongod", "server selection timed out",
                "communications link failure", "base table or view not found",
            ])),
        Rule(
            "environment.browser", .environment, .medium, "The browser or its driver could not be used.",
            .type(["SessionNotCreatedException", "WebDriverException", "SessionNotCreatedError", "InvalidSessionIdException", "NoSuchSessionError"]),
            .text([
                "session not created", "chromedriver", "geckodriver", "browser has been closed", "target closed", "cannot find chrome binary",
                "executable doesn't exist at", "disconnected: not connected to devtools", "failed to launch the browser process",
                "please run the following command to download new browsers",
                "browsertype.launch", "unknown error: devtoolsactiveport", "no usable sandbox", "missing x server", "cannot open display",
            ])),
        Rule(
            "environment.missing-program", .environment, .high, "A program, file or variable that the test relies on was not there.",
            .type(["FileNotFoundError", "FileNotFoundException", "NoSuchFileException", "DirectoryNotFoundException", "NotADirectoryError"]),
            .text([
                "command not found", "no such file or directory", "executable file not found", "is not recognized as an internal or external command",
                "is not recognized as the name of a cmdlet", "environment variable", "missing required configuration", "required key not provided",
                "the system cannot find the file specified", "the system cannot find the path specified", "could not find file '",
                "error while loading shared libraries",
                "cannot open shared object file", "library not loaded:", "dyld: ", "unable to locate a java runtime", "unsupportedclassversionerror",
                "glibc_",
            ]),
            .word(["enoent", "exit code 127", "exit status 127"])),
        Rule(
            "environment.permission", .environment, .medium, "The operating system refused access.",
            .type(["PermissionError", "UnauthorizedAccessException"]),
            .text(["permission denied", "operation not permitted", "read-only file system", "access to the path '"]),
            .word(["eacces", "eperm", "erofs", "exit code 126", "exit status 126"])),
        Rule(
            "environment.worker-lost", .environment, .medium, "The worker that executed the case was lost too often.", .errorCode(["infra_lost"])),
    ]
}
