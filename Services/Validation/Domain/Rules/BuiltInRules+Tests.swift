/// What is the matter with the test, its report or its data.
extension BuiltInRules {
    static let truncatedReport = [
        Rule(
            "truncated-report.no-end", .truncatedReport, .high, "The report ends before the test does: what became of it is not known.",
            .text([
                // Assay's own parsers, of a test that begins and never ends.
                "the test did not end", "bad plan.  you planned", "bad plan. you planned", "looks like you planned ", "no plan found in tap output",
                "looks like your test exited with", "tests out of sequence", "test was interrupted.", "the report is truncated",
                "report was truncated", "truncated report",
                "no test results were found", "no test report files were found", "test result file is incomplete", "results file is not well-formed",
                "errors parsing junit", "failed to parse test report", "failed to read test report",
            ]))
    ]

    static let data = [
        Rule(
            "data.constraint", .data, .medium, "The data broke a rule of the database: a key that is there already, or one that is not.",
            .type([
                "DataIntegrityViolationException", "ConstraintViolationException", "IntegrityError", "UniqueViolation", "ForeignKeyViolation",
                "NotNullViolation",
                "SQLIntegrityConstraintViolationException", "RecordNotUnique", "UniqueConstraintError", "DuplicateKeyException", "DuplicateKeyError",
                "DbUpdateException",
            ]),
            .text([
                "duplicate key value violates", "violates unique constraint", "violates foreign key constraint", "violates not-null constraint",
                "violates check constraint",
                "duplicate entry '", "unique constraint failed", "foreign key constraint fail", "not null constraint failed",
                "cannot insert duplicate key", "e11000 duplicate key",
                "integrity constraint violation", "unique constraint (", "data too long for column", "value too long for type",
                "cannot insert the value null",
            ])),
        Rule(
            "data.malformed", .data, .medium, "Data could not be read as what it should be.",
            .type([
                "JSONDecodeError", "JsonParseException", "JsonSyntaxException", "MalformedJsonException", "JsonProcessingException", "JsonException",
                "JsonReaderException",
                "UnrecognizedPropertyException", "MismatchedInputException", "InvalidFormatException", "JsonMappingException", "DecodingError",
                "UnicodeDecodeError",
                "UnicodeEncodeError", "MalformedInputException", "SAXParseException", "XMLSyntaxError", "ParserError", "DateTimeParseException",
                "NumberFormatException",
                "BadZipFile", "ValidationError", "SchemaError", "json.SyntaxError", "json.UnmarshalTypeError", "InvalidProtocolBufferException",
                "CSV::MalformedCSVError",
                "ScannerError", "YAMLException", "YAMLParseException", "FormatException", "ParseException",
            ]),
            .text([
                "unexpected end of json input", "unexpected token < in json", "is not valid json", "unexpected token '", "in json at position",
                "invalid character '<' looking for",
                "looking for beginning of value", "json: cannot unmarshal", "expecting value: line", "codec can't decode byte", "invalid utf-8",
                "invalid byte sequence",
                "xml document structures must start and end", "content is not allowed in prolog", "mismatched tag: line",
                "not well-formed (invalid token)",
                "premature end of file", "unclosed token", "invalid input syntax for", "date/time field value out of range",
                "schema validation failed",
                "does not match the schema", "failed schema validation", "compressed file ended before", "file is not a zip file", "missing field `",
                "unknown field `",
                "data corrupted", "datacorrupted(", "keynotfound(codingkeys", "the data couldn’t be read because",
            ])),
        Rule(
            "data.missing", .data, .medium, "A record that the test takes for granted is not there.",
            .type([
                "EntityNotFoundException", "DoesNotExist", "RecordNotFound", "NoResultException", "EmptyResultDataAccessException", "NoResultFound",
                "ObjectNotFoundException",
            ]),
            .text([
                "matching query does not exist", "no row was found when one was required", "couldn't find record", "sql: no rows in result set",
                "no entity found for query",
                "no rows returned by a query that expected",
            ])),
    ]

    static let setup = [
        Rule(
            "setup.import", .setup, .high, "The test could not be loaded: a module, class or symbol was missing, or the code did not compile.",
            .type([
                "ModuleNotFoundError", "ImportError", "ClassNotFoundException", "NoClassDefFoundError", "NoSuchMethodError", "SyntaxError",
                "LoadError", "CompilationError",
                "NoSuchFieldError", "LinkageError", "ExceptionInInitializerError", "TypeLoadException", "MissingMethodException", "IndentationError",
            ]),
            .text([
                "cannot find module", "no module named", "cannot import name", "module not found", "undefined symbol", "compilation failed",
                "build failed",
                "cannot find symbol", "failed to load test", "syntaxerror:", "cannot load such file", "could not compile `", "error: cannot find",
                "could not load file or assembly",
                "undefined reference to", "test suite failed to run", "failed to resolve import", "does not provide an export named",
                "[build failed]", "[setup failed]",
                "no required module provides package", "could not resolve dependencies", "unresolved import", "must use import to load es module",
                "error[e0",
            ])),
        Rule(
            "setup.fixture", .setup, .medium, "What the test needs before it starts did not come about.",
            .type([
                "FixtureLookupError", "BeanCreationException", "UnsatisfiedDependencyException", "ParameterResolutionException", "TestClassException",
            ]),
            .text([
                "fixture '", "error at setup of", "failed on setup", "error in fixture", "\"before each\" hook", "\"before all\" hook", "beforeall",
                "beforeeach", "setupclass",
                "in setup", "initializationerror", "failed to set up", "failed to load applicationcontext", "error creating bean with name",
                "the following constructor parameters did not have matching fixture",
                "error at teardown of", "\"after each\" hook", "\"after all\" hook", "an error occurred in a `before(:", "onetimesetup:",
                "class initialization method",
            ])),
        Rule(
            "setup.case", .setup, .medium, "The case itself cannot be carried out as it is written.",
            .errorCode(["unknown_variable", "invalid_request", "invalid_path", "invalid_assertion", "too_many_redirects"])),
    ]

    static let assertion = [
        Rule(
            "assertion.type", .assertion, .medium, "The test's own expectation did not hold, says the failure's type.",
            .type([
                "AssertionError", "AssertionFailedError", "ComparisonFailure", "AssertionException", "AssertionFailure", "ExpectationNotMetError",
                "ExpectationFailedError", "JestAssertionError", "MultipleFailuresError", "XunitException", "EqualException", "TrueException",
                "TestFailure", "Failed", "failure",
                "AssertFailedException", "FalseException", "AssertionErrorImpl", "WantedButNotInvoked", "TooManyActualInvocations",
                "NotEqualException", "ContainsException",
            ])),
        Rule(
            "assertion.text", .assertion, .medium, "The test's own expectation did not hold, says its text.",
            .text([
                "assertionerror", "assertion failed", "assertion `left == right` failed", "assert failed", "expected:", "expected ",
                "expectation failed", "to equal", "to be equal",
                "should be", "should have", "but was", "but got", "does not match", "did not match", "not equal", "xctassert", "assertequals",
                "assert.", "assert ", "actual:",
                "value of: ", "error trace:", "' failed.", "test failed: ",
            ])),
        Rule(
            "assertion.failed", .assertion, .medium, "The report calls it a failure, not an error, and says nothing more specific.", .outcome(.failed)
        ),
    ]

    static let unknown = [
        Rule("unknown", .unknown, .medium, "No rule knows it.", .always)
    ]
}
