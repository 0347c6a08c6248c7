"""A new notebook's source and variants: a skeleton that builds and passes its tests, to be rewritten piece by piece."""

import re

from autograder.course import Course
from autograder.errors import CourseError

NAME = re.compile(r"\d\d_[a-z][a-z0-9_]*")
FACTORS = range(2, 8)

OPENING = """# %% [markdown]
# # {title}
#
# After this notebook you can
#
# - multiply a tensor by a number (replace this by what your notebook teaches).
#
# **Points**: 6. **Time**: about 10 minutes of reading and 20 minutes for the 6 exercises. **You need**: nothing.
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite.
# An argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup
"""

SECTION = '''
# %% [markdown]
# ## One idea: times {factor}
#
# A small, concrete problem comes first.
#
# **Before you run it:** what does the next cell print?

# %% predict
x = torch.tensor([[1.0, -2.0, 3.0]])
print({factor} * x)

# %% predict folded label="Draw x and {factor} x"
draw_row(
    Grid(x, "x", "input"),
    "→",
    Grid({factor} * x, "{factor} x", "output"),
    alt="Two rows of three numbers: x, and below the arrow each of them times {factor}.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# A product with a number is computed element by element.
#
# </details>
#
# ### Exercise: Times {factor}
#
# Write `times_{factor}(x)`: {factor} times `x`, of the same shape and dtype. `x` must not be changed.
#
# <details><summary>Hint 1: an idea</summary>
#
# A number times a tensor is a tensor.
#
# </details>


# %% exercise="times_{factor}" difficulty=1 minutes=3
def times_{factor}(x: torch.Tensor) -> torch.Tensor:
    """{factor} times x. x: any shape. Returns: a new tensor of the same shape and dtype."""
    ### BEGIN SOLUTION
    return {factor} * x
    ### END SOLUTION


# %% check="times_{factor}" points=1
x = torch.tensor([[1.0, -2.0, 3.0]])
before = x.clone()
answer = times_{factor}(inplace(x))
expect(x, before, "x is left as it was")
expect(
    answer,
    torch.tensor([[{one:.1f}, {two:.1f}, {three:.1f}]]),
    "times_{factor}(x) for x of shape (1, 3)",
    mistakes={{"You added {factor} instead of multiplying by it.": before + {factor}}},
)
expect(times_{factor}(torch.tensor(2, dtype=torch.int64)), torch.tensor({double}), "times_{factor}(x) for an integer")
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed({factor})
x = torch.randn(2, 3, 4, generator=g, dtype=torch.float64)
expect(times_{factor}(x), torch.mul(x, {factor}), "times_{factor}(x) for x of shape (2, 3, 4), in float64")
### END HIDDEN TESTS
'''

RECAP = """
# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What is the shape of 2 x?</summary>
#
# That of x.
#
# </details>
"""

VARIANTS = """
# %% right="times_{factor}"
def times_{factor}(x):
    return x * {factor}


# %% right="times_{factor}"
def times_{factor}(x):
    return torch.mul(x, {factor})


# %% right="times_{factor}"
def times_{factor}(x):
    return sum(x for _ in range({factor}))


# %% wrong="times_{factor}" says="You added {factor} instead"
def times_{factor}(x):
    return x + {factor}


# %% wrong="times_{factor}" says="is a `return` missing?"
def times_{factor}(x):
    {factor} * x


# %% wrong="times_{factor}" says="x is left as it was"
def times_{factor}(x):
    return x.mul_({factor})


# %% wrong="times_{factor}" says="The shapes differ"
def times_{factor}(x):
    return {factor} * x.flatten()


# %% wrong="times_{factor}" says="The dtypes differ"
def times_{factor}(x):
    return {factor}.0 * x
"""


def write_skeleton(course: Course, name: str) -> list[str]:
    """Write source and variants of a new notebook.

    Args:
        course: where.
        name: such as ``17_attention``.

    Returns:
        The paths written, relative to the course.

    Raises:
        CourseError: the name is not valid, or there is such a notebook already.
    """
    if not NAME.fullmatch(name):
        raise CourseError(
            f"{name!r} is no name for a notebook: write two digits and lower-case words, as in 17_attention."
        )
    source, variants = course.source(name), course.variants(name)
    if source.parent.exists():
        raise CourseError(f"{source.parent} exists already: choose another name, or edit {source.name} there.")
    title = name[3:].replace("_", " ").capitalize()
    sections = [SECTION.format(factor=k, one=k, two=-2 * k, three=3 * k, double=2 * k) for k in FACTORS]
    source.parent.mkdir(parents=True)
    source.write_text(OPENING.format(title=title) + "".join(sections) + RECAP, encoding="utf-8")
    answers = "".join(VARIANTS.format(factor=k) for k in FACTORS)
    variants.write_text(f"# %% [markdown]\n# Right and wrong answers to {name}.\n{answers}", encoding="utf-8")
    return [str(path.relative_to(course.root)) for path in (source, variants)]
