"""What we add to the formgrader's page for one submission."""

import re

from autograder.feedback.formulas import STYLE as FORMULAS

#: Only the server's own files, and pictures that are in the page.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; frame-src 'none'; "
    "media-src 'none'; base-uri 'none'; form-action 'self'"
)
#: nbgrader frames every picture in red, and gives the cells of tables no room.
STYLE = """
img { border: 0; }
.rendered_html table { border-collapse: collapse; margin: .6em 0; }
.rendered_html :is(th, td) { border: 1px solid #d9dee5; padding: .25em .6em; }
.rendered_html th { background: #f4f6f8; }
.text_cell_render, .input_area, .output_subarea { contain: paint; overflow-x: auto; unicode-bidi: isolate; }
.text_cell_render { border-left: 3px solid #d9dee5; padding-left: .6rem; }
.text_cell_render :is(h1, h2, h3, h4) { font-size: 1.2em; margin: .6em 0; }
.text_cell_render img, .output_subarea img { max-width: 100%; }
summary { display: list-item; cursor: pointer; }
.course-folded { width: 100%; margin: .4rem 0; color: #667085; }
"""
#: nbgrader's script waits for MathJax before it scrolls to the first mark. Formulas are MathML here, so a stub will do.
NO_MATHJAX = """
window.MathJax = {Hub: {
  Config: function () {},
  Queue: function () {},
  Startup: {signal: {Interest: function (ready) { window.addEventListener("load", function () { ready("End"); }); }}}
}};
"""
ELSEWHERE = re.compile(r"<script[^>]*\ssrc=\"https?://[^>]*>\s*</script>")


def with_policy(head: str) -> str:
    """The page's head, changed so that nothing is loaded from elsewhere: neither MathJax nor what a learner names."""
    own = (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="referrer" content="same-origin">\n<meta http-equiv="x-dns-prefetch-control" content="off">\n'
    )
    own += f"<script>{NO_MATHJAX}</script>\n"
    head = ELSEWHERE.sub("", head).replace("<head>", f"<head>\n{own}", 1)
    return head.replace("</head>", f"<style>{STYLE}{FORMULAS}</style>\n</head>", 1)
