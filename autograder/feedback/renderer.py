"""nbconvert's renderer of Markdown, with formulas as MathML."""

from nbconvert.filters.markdown_mistune import IPythonRenderer

from autograder.feedback.formulas import formula


class FormulaRenderer(IPythonRenderer):
    """All kinds of formulas go through ``show_formula``."""

    def show_formula(self, latex: str, typed: str, display: bool = False) -> str:
        """What stands for a formula; see ``formula``."""
        return formula(latex, typed, display)

    def inline_math(self, body: str) -> str:
        return self.show_formula(body, f"${body}$")

    def block_math(self, body: str) -> str:
        return self.show_formula(body, f"$${body}$$", display=True)

    def latex_environment(self, name: str, body: str) -> str:
        typed = rf"\begin{{{name}}}{body}\end{{{name}}}"
        return self.show_formula(typed, typed, display=True)
