"""How the page in which people talk is built, packed and served.

program.py      web/build, as a module
test_build      when it is built, and with which Node
test_packed     the wheel and the sdist have it
test_served     what a browser is answered, field by field
test_coding     which compressed form it is given
test_weight     what a first visit has to fetch
test_licences   whose work is in it
test_units      the page's own tests and types
test_chromium   how the tests come by a browser
"""
