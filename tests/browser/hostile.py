"""What somebody would write who wants a script of theirs to run in another's page.

Each would call `ran`, which every page of these tests has, or would load something that the policy reports.
"""

TEXTS = (
    "<script>ran()</script>",
    "</textarea></title></style><script>ran()</script>",
    "<img src=x onerror=ran()>",
    "<svg onload=ran()><animate onbegin=ran() attributeName=x dur=1s>",
    "<svg><script href=data:text/javascript,ran() /></svg>",
    "<iframe srcdoc='<script>parent.ran()</script>'></iframe>",
    "<details open ontoggle=ran()><summary>x</summary></details>",
    "<template><img src=x onerror=ran()></template>",
    "<math><mtext><table><mglyph><style><img src=x onerror=ran()>",
    "<a href=javascript:ran()>x</a>",
    "javascript:ran()",
    "java\tscript:ran()",
    "JaVaScRiPt&colon;ran()",
    "data:text/html,<script>ran()</script>",
    "[click](javascript:ran())",
    "[click](<javascript:ran()>)",
    "[click](JAVASCRIPT&#58;ran())",
    "[click](data:text/html;base64,PHNjcmlwdD5yYW4oKTwvc2NyaXB0Pg==)",
    '![x](x" onerror="ran())',
    'https://example.org/"onmouseover="ran()',
    "https://example.org/'><img src=x onerror=ran()>",
    "<https://example.org/><script>ran()</script>",
    "```html\n<script>ran()</script>\n```",
    '```"><img src=x onerror=ran()>\n```',
    "`<img src=x onerror=ran()>`",
    "**<b onmouseover=ran()>**bold**</b>**",
    "_*_*_**__**_*`_*<img src=x onerror=ran()>`*_",
    "{{constructor.constructor('ran()')()}}",
    "${ran()}",
    "'-ran()-'",
    '"><script>ran()</script>',
    "<ſcript>ran()</ſcript>",
    "\u202e<script>)(nar</script>",
    "\ufeff<script>ran()</script>",
    "<\u200bscript>ran()</script>",
    "＜script＞ran()＜/script＞",
    "\ud7ff\ue000<script>ran()</script>",
    "__proto__",
    "constructor",
    "<x-y><!--><script>ran()</script>-->",
    "]]><script>ran()</script>",
    "<base href=//example.org/><link rel=stylesheet href=//example.org/x.css>",
    "<meta http-equiv=refresh content=0;javascript:ran()>",
)

TRAP = """
    window.tricks = []
    window.ran = () => { window.tricks.push("a script ran") }
    window.alert = window.ran
    document.addEventListener("securitypolicyviolation", event => {
        window.tricks.push(event.violatedDirective + " " + event.blockedURI)
    })
"""
"""In each page before its own scripts."""
